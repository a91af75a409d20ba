package boltstore_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// oldLog gives a file without changes a log of some, which are too old to be kept.
func oldLog(t testing.TB, path string, entries int) {
	t.Helper()
	bolt(t, path, func(tx *bbolt.Tx) error {
		var errs []error
		for n := range entries {
			errs = append(errs, putSealed(tx.Bucket([]byte("changes")), oldEntry(n), oldValue(n)))
		}
		return errors.Join(errs...)
	})
}

func oldEntry(n int) []byte { key, _ := logEntry(uint64(n+1), created, id(n)); return key }
func oldValue(n int) []byte { _, value := logEntry(uint64(n+1), created, id(n)); return value }

// TestLargeDamagedLog: whoever needs a leaf of the log that is damaged, to read it, to add to it or to
// remove from it, is told, and nothing is written.
func TestLargeDamagedLog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path, nil)
	create(t, s, 0, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	const entries = 600
	oldLog(t, path, entries)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	again := record(1)
	again.Version = 1
	calls := map[string]func(ctx context.Context, s *boltstore.Store) error{
		"Changes": func(ctx context.Context, s *boltstore.Store) error {
			_, err := s.Changes(ctx, time.Hour)
			return err
		},
		"Replace": func(ctx context.Context, s *boltstore.Store) error { return s.Replace(ctx, again) },
		"Delete":  func(ctx context.Context, s *boltstore.Store) error { return s.Delete(ctx, id(1)) },
		"Create":  func(ctx context.Context, s *boltstore.Store) error { return s.Create(ctx, record(20)) },
	}
	for _, test := range []struct {
		name  string
		entry int
		need  []string // the calls that need its leaf
	}{
		{"the newest", entries - 1, []string{"Changes", "Replace", "Delete"}},
		{"the oldest", 0, []string{"Replace", "Delete"}},
		{"in the middle", entries / 2, nil},
	} {
		damaged := damageLeafOf(t, file, slices.Concat(oldEntry(test.entry), oldValue(test.entry)))
		for name, do := range calls {
			s := openSparsely(t, damaged)
			commits := boltstore.Commits(s)
			err := do(t.Context(), s)
			switch needed := slices.Contains(test.need, name); {
			case !needed && err != nil:
				t.Errorf("%s is damaged: %s answered %v", test.name, name, err)
			case needed && (!errors.Is(err, boltstore.ErrCorrupt) || boltstore.Commits(s) != commits):
				t.Errorf("%s is damaged: %s answered %v, after %d commits", test.name, name, err, boltstore.Commits(s)-commits)
			}
			if err != nil {
				continue
			}
			told := false
			s.Watch(func(c apikey.Change) { told = told || c.Gap })
			boltstore.Sweep(s)
			if _, err := s.Get(t.Context(), id(2)); !told || !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%s is damaged, and nobody has needed it: told %v, Get answered %v", test.name, told, err)
			}
		}
	}
}

// TestLargeLogAscending: bbolt does not get to see a leaf of the log that is damaged, be it only that it
// holds another's entry, which has its checksum, or that it leads to itself, from where bbolt would never come back.
func TestLargeLogAscending(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	const entries = 300
	oldLog(t, path, entries)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := boltstore.AscendLog(openSparsely(t, file)); n != entries || err != nil {
		t.Errorf("the log has %d entries, %v", n, err)
	}
	stored := func(n int) []byte { // what begins like this is followed by the checksum
		from := bytes.Index(file, slices.Concat(oldEntry(n), oldValue(n)))
		return file[from : from+8+24+4]
	}
	page, last := os.Getpagesize(), 0
	for n := range entries - 1 { // the first of each leaf, in their order
		at := leafOf(t, file, stored(n))
		if at == last {
			continue
		}
		first := last == 0
		last = at
		for how, damage := range map[string]func(leaf []byte){
			"another's entry": func(leaf []byte) { copy(leaf[bytes.Index(leaf, stored(n)):], stored(entries-1)) },
			"a way to itself": func(leaf []byte) {
				if leaf[8] = 1; first { // which would be noticed on the way to the leaves
					leaf[8] = 2
				}
				binary.NativeEndian.PutUint64(leaf[16+8:], uint64(at/page))
			},
		} {
			tampered := slices.Clone(file)
			damage(tampered[at : at+page])
			if got, err := boltstore.AscendLog(openSparsely(t, tampered)); got > n || !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("the leaf of entry %d has %s: it read %d, %v", n, how, got, err)
			}
		}
	}
}

// leafOf returns where the leaf begins that holds some bytes. Nothing was ever removed from the file.
func leafOf(t *testing.T, file, what []byte) int {
	t.Helper()
	page := os.Getpagesize()
	for at := 2 * page; at < len(file); at += page {
		if file[at+8] == 2 && bytes.Contains(file[at:at+page], what) {
			return at
		}
	}
	t.Fatal("no leaf holds that")
	return 0
}
