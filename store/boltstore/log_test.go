package boltstore_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestLogCorrupt: an entry that is none, or is not sealed. What would log a change is not done.
func TestLogCorrupt(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 10)
	replace(t, s, 1)
	key, value := logEntry(1<<40, time.Now(), id(1))
	for i, test := range []struct {
		key, value []byte
		sealed     bool
	}{
		{key, value, false}, {key, value[:23], true}, {key, append(value, 0), true}, {key, nil, true},
		{append(key, 0), value, true}, {key[:7], value, true},
		{make([]byte, 8), value[:23], true}, {make([]byte, 8), value, false}, // the oldest
	} {
		if err := boltstore.Put(s, "changes", test.key, test.value, test.sealed); err != nil {
			t.Fatal(err)
		}
		r := record(2)
		r.Version = 1
		_, err := s.Changes(t.Context(), apikey.ChangesKept)
		for call, err := range map[string]error{"Changes": err, "Replace": s.Replace(t.Context(), r), "Delete": s.Delete(t.Context(), id(3))} {
			if !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%d: %s answered %v", i, call, err)
			}
		}
		for _, n := range []int{2, 3} {
			if r, err := s.Get(t.Context(), id(n)); err != nil || r.Version != 1 {
				t.Errorf("%d: record %d is %+v, %v", i, n, r, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		bolt(t, path, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("changes")).Delete(test.key) })
		s = open(t, path, nil)
	}
	replace(t, s, 2)
}

// TestLogInAGroup: operations of one commit have an entry each, and those that are refused have none.
func TestLogInAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		create(t, s, 0, 40)
		var operations []func() error
		for n := range 30 {
			r := record(n)
			r.Version = uint64(1 + n%2) // which is stored of every second
			operations = append(operations, func() error { return s.Replace(t.Context(), r) })
		}
		for i, err := range group(t, s, nil, operations...) {
			if want := i%2 == 1; errors.Is(err, apikey.ErrConflict) != want {
				t.Errorf("operation %d answered %v", i, err)
			}
		}
		of := changed(t, s, 0)
		delete(of, id(9999)) // of the group itself
		var missing []int
		for n := 0; n < 30; n += 2 {
			if of[id(n)] == 0 {
				missing = append(missing, n)
			}
		}
		if len(of) != 15 || len(missing) > 0 {
			t.Errorf("%d records are in the log, want 15, and %v are missing", len(of), missing)
		}
		if n := boltstore.LogLength(s); n != 16 {
			t.Errorf("the log has %d entries, want 16", n)
		}
	})
}
