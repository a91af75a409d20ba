package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

func restore(t *testing.T, backup []byte) *boltstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, path)
	return open(t, path, nil)
}

func backup(t *testing.T, s *boltstore.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := s.Backup(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("Backup wrote %d bytes and answered %d, %v", b.Len(), n, err)
	}
	return b.Bytes()
}

// TestBackup: a copy made while others write holds all that was acknowledged before, and is
// one moment: each writer's keys up to some point, without a gap.
func TestBackup(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const writers = 4
	var acknowledged [writers]atomic.Int64
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := s.Create(t.Context(), record(w*10_000+n)); err != nil {
					t.Error(err)
					return
				}
				acknowledged[w].Store(int64(n + 1))
			}
		})
	}
	for range 8 {
		var before [writers]int64
		for w := range writers {
			before[w] = acknowledged[w].Load()
		}
		copied := restore(t, backup(t, s))
		for w := range writers {
			n := 0
			for ; ; n++ {
				if _, err := copied.Get(t.Context(), id(w*10_000+n)); errors.Is(err, apikey.ErrNotFound) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if int64(n) < before[w] {
				t.Errorf("the copy holds %d keys of writer %d, and %d were acknowledged before", n, w, before[w])
			}
			if _, err := copied.Get(t.Context(), id(w*10_000+n+1)); !errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("the copy lacks key %d of writer %d and has the next: %v", n, w, err)
			}
		}
		create(t, copied, 50_000, 50_003)
	}
	cancel()
	group.Wait()
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want one file", files, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestBackupWriter: w is called in no transaction, and its error is answered.
func TestBackupWriter(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 500)
	next := 1000
	if _, err := s.Backup(writerFunc(func(p []byte) (int, error) {
		create(t, s, next, next+300) // grows the file, for which transactions must end
		next += 300
		return len(p), nil
	})); err != nil || next == 1000 {
		t.Errorf("Backup to a writer that uses the store: %v", err)
	}
	errFull := errors.New("the tape is full")
	n, err := s.Backup(writerFunc(func(p []byte) (int, error) { return 7, errFull }))
	if n != 7 || !errors.Is(err, errFull) {
		t.Errorf("Backup to a writer that fails is %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v; want one file", files, err)
	}

	reader := open(t, path, &boltstore.Options{ReadOnly: true})
	want, err := reader.Count(t.Context(), apikey.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	copied := restore(t, backup(t, reader))
	if n, err := copied.Count(t.Context(), apikey.Filter{}); n != want || err != nil {
		t.Errorf("the copy of a read-only store holds %d of %d keys, %v", n, want, err)
	}
	if err := errors.Join(reader.Close(), copied.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestBackupOfDamage: a copy that could not be opened is an error now, not when it is needed.
func TestBackupOfDamage(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 300)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	page := os.Getpagesize()
	for start := int64(2 * page); start < boltstore.Used(s); start += int64(page) {
		if _, err := file.WriteAt(make([]byte, 64), start); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if n, err := s.Backup(&b); !errors.Is(err, boltstore.ErrCorrupt) || n != 0 || b.Len() > 0 {
		t.Errorf("Backup is %d, %v, and wrote %d bytes", n, err, b.Len())
	}
	if _, err := file.WriteAt(sound, 0); err != nil {
		t.Fatal(err)
	}
}
