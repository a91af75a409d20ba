package boltstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// roles are what a child process does.
var roles = map[string]func(path string) error{
	"hold":   hold,
	"create": createOne,
	"crash":  createAndRevoke,
}

var patient = &boltstore.Options{Timeout: 30 * time.Second}

// hold holds the file until its input ends.
func hold(path string) error {
	s, err := boltstore.Open(path, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	fmt.Println("held")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// readNumber reads the line with which the parent starts a child.
func readNumber() (n int, err error) {
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(line[:len(line)-1])
}

func createOne(path string) error {
	n, err := readNumber()
	if err != nil {
		return err
	}
	s, err := boltstore.Open(path, patient)
	if err != nil {
		return err
	}
	return errors.Join(s.Create(context.Background(), record(n)), s.Close())
}

// createAndRevoke creates keys, and revokes or deletes them, until it is killed, and prints each
// when the call has returned.
func createAndRevoke(path string) error {
	first, err := readNumber()
	if err != nil {
		return err
	}
	s, err := boltstore.Open(path, patient)
	if err != nil {
		return err
	}
	ctx := context.Background()
	const writers = 4
	errs := make(chan error)
	for w := range writers {
		go func() {
			for n := first + w; ; n += writers {
				r := record(n)
				if err := s.Create(ctx, r); err != nil {
					errs <- err
				}
				fmt.Printf("created %d\n", n)
				if n%3 == 0 {
					if err := s.Delete(ctx, r.ID); err != nil {
						errs <- err
					}
					fmt.Printf("deleted %d\n", n)
					continue
				}
				r.Version, r.RevokedAt, r.UniqueKey = 1, created, ""
				if err := s.Replace(ctx, r); err != nil {
					errs <- err
				}
				fmt.Printf("revoked %d\n", n)
			}
		}()
	}
	return <-errs
}

// TestKill kills a process at a random moment, its start and the creation of the file among
// them. The file opens again, and what was acknowledged is there.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	acknowledged := make(map[int]string) // the last that was said of each key
	for cycle := range 12 {
		cmd, in, out := child(t, "crash", path)
		fmt.Fprintln(in, cycle*100_000)
		read := func() {
			var what string
			var n int
			if _, err := fmt.Sscan(out.Text(), &what, &n); err != nil {
				t.Fatalf("the child says %q", out.Text())
			}
			acknowledged[n] = what
		}
		for range random.IntN(1 << random.IntN(9)) {
			if !out.Scan() {
				t.Fatal("the child ended by itself")
			}
			read()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			read()
		}
		_ = cmd.Wait()

		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && len(acknowledged) == 0 {
			continue // killed before there was a file
		}
		s := open(t, path, patient)
		log := changed(t, s, time.Hour)
		for n, what := range acknowledged {
			if _, ok := log[id(n)]; !ok && what != "created" {
				t.Fatalf("cycle %d: key %d was %s, which is not in the log", cycle, n, what)
			}
			r, err := s.Get(t.Context(), id(n))
			if errors.Is(err, apikey.ErrNotFound) && n%3 == 0 {
				continue // the deletion was committed, be it acknowledged or not
			}
			if err != nil || what == "deleted" {
				t.Fatalf("cycle %d: key %d, acknowledged as %s: %v", cycle, n, what, err)
			}
			if what == "revoked" && r.RevokedAt.IsZero() {
				t.Fatalf("cycle %d: the revocation of key %d is lost", cycle, n)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, path)
	}
	t.Logf("%d keys acknowledged", len(acknowledged))
}

// TestH1_CreateRace: many create the same file at once, and none loses what it then stored.
func TestH1_CreateRace(t *testing.T) {
	t.Parallel()
	const racers = 8
	all := func(t *testing.T, path string) {
		s := open(t, path, nil)
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != racers || err != nil {
			t.Errorf("%d of %d keys are there, %v", n, racers, err)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(files) != 1 {
			t.Errorf("the folder holds %v, %v; want one file", files, err)
		}
	}
	t.Run("processes", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keys.db")
		var group sync.WaitGroup
		for n := range racers {
			cmd, in, out := child(t, "create", path)
			fmt.Fprintln(in, n)
			group.Go(func() {
				for out.Scan() {
				}
				if err := cmd.Wait(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		all(t, path)
	})
	t.Run("goroutines", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keys.db")
		var group sync.WaitGroup
		for n := range racers {
			group.Go(func() {
				s, err := boltstore.Open(path, patient)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(s.Create(t.Context(), record(n)), s.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		all(t, path)
	})
	t.Run("the slower one", func(t *testing.T) {
		t.Parallel()
		s, path := openNew(t)
		create(t, s, 0, racers)
		// It saw no file, and now there is one, held and with keys in it.
		if err := boltstore.CreateFile(path); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		all(t, path)
	})
}
