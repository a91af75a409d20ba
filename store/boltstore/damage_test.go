package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestRecordCorrupt: a record that is sealed, and so was stored as it is, but is none.
func TestRecordCorrupt(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 30)
	five := record(5)
	five.Version = 1
	other, err := five.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for how, body := range map[string][]byte{
		"empty": {}, "noise": []byte("secret-bytes and more of them"), "another record": other,
	} {
		key := id(1)
		if err := boltstore.Put(s, "records", key[:], body, true); err != nil {
			t.Fatal(err)
		}
		calls(s, func(name string, write bool, do func(context.Context) error) {
			want := map[string]bool{"Get": true, "List": true, "Count": true, "Replace": true, "RecordUse": true}[name]
			if err := do(t.Context()); errors.Is(err, boltstore.ErrCorrupt) != want || err != nil && strings.Contains(err.Error(), "secret-bytes") {
				t.Errorf("%s: %s answered %v", how, name, err)
			}
		})
		if err := s.Delete(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s: Delete answered %v", how, err)
		}
		if _, _, err := s.List(t.Context(), apikey.Filter{Subject: record(1).Subject}, apikey.ID{}, 10); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s: List of the subject answered %v", how, err)
		}
		if _, err := s.Get(t.Context(), id(6)); err != nil {
			t.Errorf("%s: Get of a sound record answered %v", how, err)
		}
	}
}

// TestSealBroken: damage that came after Open is noticed when it is read.
func TestSealBroken(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 30)
	r := record(1)
	r.Version = 1
	body, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	index := append([]byte("\x00\x06user_2"), r.ID[:]...)
	index[len(index)-1]++ // record 2
	put := func(sealed bool) {
		t.Helper()
		if err := errors.Join(
			boltstore.Put(s, "records", r.ID[:], body, sealed),
			boltstore.Put(s, "subjects", index, nil, sealed),
			boltstore.Put(s, "unique", []byte(r.UniqueKey), r.ID[:], sealed),
			boltstore.Put(s, "values", []byte("seed"), []byte("s"), sealed),
		); err != nil {
			t.Fatal(err)
		}
	}
	put(false)
	calls(s, func(name string, write bool, do func(context.Context) error) {
		want := map[string]bool{"Get": true, "List": true, "Count": true, "Replace": true, "RecordUse": true, "Value": true, "SwapValue": true}[name]
		if err := do(t.Context()); errors.Is(err, boltstore.ErrCorrupt) != want {
			t.Errorf("%s answered %v", name, err)
		}
	})
	if _, _, err := s.List(t.Context(), apikey.Filter{Subject: "user_2"}, apikey.ID{}, 100); !errors.Is(err, boltstore.ErrCorrupt) {
		t.Errorf("List of a subject answered %v", err)
	}
	namesake := record(100)
	namesake.UniqueKey = r.UniqueKey
	if err := s.Create(t.Context(), namesake); !errors.Is(err, boltstore.ErrCorrupt) {
		t.Errorf("Create of a namesake answered %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := boltstore.Open(path, nil); !errors.Is(err, boltstore.ErrCorrupt) {
		t.Errorf("Open answered %v", err)
	}
	// Let the check at the end of the test pass.
	bolt(t, path, func(tx *bbolt.Tx) error {
		var errs []error
		for _, name := range []string{"records", "subjects", "unique", "values"} {
			b := tx.Bucket([]byte(name))
			for _, key := range [][]byte{r.ID[:], index, []byte(r.UniqueKey), []byte("seed")} {
				errs = append(errs, b.Delete(key))
			}
		}
		return errors.Join(errs...)
	})
}

// TestIndexCorrupt: an index that leads to a record of another subject, or to none.
func TestIndexCorrupt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 4000} {
		s, _ := openNew(t)
		create(t, s, 0, 30)
		stray := id(n)
		if err := boltstore.Put(s, "subjects", append([]byte("\x00\x06user_1"), stray[:]...), nil, true); err != nil {
			t.Fatal(err)
		}
		f := apikey.Filter{Subject: "user_1"}
		if _, _, err := s.List(t.Context(), f, apikey.ID{}, 100); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("List answered %v", err)
		}
		if _, err := s.Count(t.Context(), f); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Count answered %v", err)
		}
		if n, err := s.Count(t.Context(), apikey.Filter{Subject: "user_2"}); n != 3 || err != nil {
			t.Errorf("Count of another subject is %d, %v", n, err)
		}
	}
}

// TestCutWhileOpen: the process lives, what reads is an error, nothing is written, and Close returns.
func TestCutWhileOpen(t *testing.T) {
	t.Parallel()
	sound, _ := sample(t, 20)
	cut := func(t *testing.T, length int64) (*boltstore.Store, string) {
		path := filepath.Join(t.TempDir(), "keys.db")
		s, err := boltstore.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, s, 0, 300)
		if err := os.Truncate(path, length); err != nil {
			t.Fatal(err)
		}
		return s, path
	}
	everythingFails := func(t *testing.T, s *boltstore.Store) {
		calls(s, func(name string, _ bool, do func(context.Context) error) {
			if strings.Contains(name, " of ") { // needs no transaction
				return
			}
			if err := do(t.Context()); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%s answered %v", name, err)
			}
		})
		if _, err := s.Backup(new(bytes.Buffer)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Backup answered %v", err)
		}
		s.Close()
	}
	meta := int64(2 * os.Getpagesize())
	t.Run("noticed by a write", func(t *testing.T) {
		s, path := cut(t, 0)
		everythingFails(t, s)
		// bbolt has not lost its locks, and so Close let go of the file's.
		if err := os.WriteFile(path, sound, 0); err != nil {
			t.Fatal(err)
		}
		open(t, path, nil)
	})
	t.Run("fault while a transaction begins", func(t *testing.T) {
		s, _ := cut(t, 0)
		if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Get answered %v", err)
		}
		everythingFails(t, s)
	})
	t.Run("fault in a read", func(t *testing.T) {
		s, _ := cut(t, meta)
		for range 3 { // and the one before has let go of everything
			if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("Get answered %v", err)
			}
		}
		if _, err := s.Count(t.Context(), apikey.Filter{}); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Count answered %v", err)
		}
		s.Close()
	})
	t.Run("fault in a write", func(t *testing.T) {
		s, _ := cut(t, meta)
		boltstore.ForgetSize(s)
		if err := s.Delete(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Delete answered %v", err)
		}
		everythingFails(t, s)
	})
}

// TestPanicOnFaultStays: how faults are handled is the caller's choice outside of our calls.
func TestPanicOnFaultStays(t *testing.T) {
	s, _ := openNew(t)
	create(t, s, 0, 2)
	for _, setting := range []bool{true, false} {
		debug.SetPanicOnFault(setting)
		calls(s, func(name string, _ bool, do func(context.Context) error) {
			_ = do(t.Context())
			if debug.SetPanicOnFault(setting) != setting {
				t.Errorf("%s changed the setting from %v", name, setting)
			}
		})
	}
}
