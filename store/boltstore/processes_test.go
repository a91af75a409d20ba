package boltstore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
