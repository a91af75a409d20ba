package boltstore_test

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// TestMain is also the main of the child processes that some tests start.
func TestMain(m *testing.M) {
	if role := os.Getenv("BOLTSTORE_TEST_ROLE"); role != "" {
		if err := roles[role](os.Getenv("BOLTSTORE_TEST_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		os.Setenv("BBOLT_VERIFY", "all") // bbolt's own assertions
	}
	os.Exit(m.Run())
}

// child starts this program in a role; it is killed when the test ends, at the latest.
func child(t *testing.T, role, path string) (*exec.Cmd, io.WriteCloser, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "BOLTSTORE_TEST_ROLE="+role, "BOLTSTORE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, in, bufio.NewScanner(out)
}

func open(t testing.TB, path string, opts *boltstore.Options) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// openNew opens a new file, which at the end of the test must pass bbolt's check.
func openNew(t testing.TB) (*boltstore.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	t.Cleanup(func() { check(t, path) })
	return open(t, path, nil), path
}

func check(t testing.TB, path string) {
	t.Helper()
	s, err := boltstore.Open(path, nil)
	if err != nil {
		t.Errorf("open at the end of the test: %v", err)
		return
	}
	if err := boltstore.Check(s); err != nil {
		t.Errorf("bbolt finds the file damaged: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func openStore(t *testing.T) apikey.Store {
	s, _ := openNew(t)
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, openStore)
}

func TestWatcher(t *testing.T) {
	t.Parallel()
	storetest.RunWatcher(t, openStore)
}

func TestChangeLog(t *testing.T) {
	t.Parallel()
	storetest.RunChangeLog(t, openStore)
}

func TestDurable(t *testing.T) {
	t.Parallel()
	paths := make(map[apikey.Store]string)
	storetest.RunDurable(t, func(t *testing.T, previous apikey.Store) apikey.Store {
		if previous == nil {
			s, path := openNew(t)
			paths[s] = path
			return s
		}
		if err := previous.(*boltstore.Store).Close(); err != nil {
			t.Fatal(err)
		}
		path := paths[previous]
		check(t, path)
		s := open(t, path, nil)
		paths[s] = path
		return s
	})
}

var created = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// record returns the n-th record, of a usual size. Its subject is one of ten.
func record(n int) *apikey.Record {
	r := &apikey.Record{
		ID: id(n), Prefix: "ak", Type: "api_key",
		Subject: fmt.Sprintf("user_%d", n%10), Name: fmt.Sprintf("key %d", n), NameFold: fmt.Sprintf("key %d", n),
		UniqueKey: fmt.Sprintf("unique %d", n),
		Claims:    []byte(`{"plan":"pro"}`), Scopes: []string{"read", "write"},
		CreatedAt: created, UpdatedAt: created,
		Credentials: []apikey.Credential{{
			Number: 1, MAC: make([]byte, 32), MACKey: 1, Hint: "abcd", CreatedAt: created,
			Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		}},
	}
	return r
}

// id returns the n-th id in order of creation.
func id(n int) (id apikey.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(created.UnixMilli()+int64(n))<<16|7<<12)
	binary.BigEndian.PutUint64(id[8:], 2<<62|uint64(n))
	return id
}

// create creates records, all at once, which makes it a few commits.
func create(t testing.TB, s *boltstore.Store, from, to int) {
	t.Helper()
	var creates []func() error
	for n := from; n < to; n++ {
		creates = append(creates, func() error { return s.Create(t.Context(), record(n)) })
	}
	together(t, creates)
}
