package boltstore_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

var errDisk = errors.New("the disk is bad")

// TestCommitFails: everybody in the group is told, also who was refused because of what then
// did not happen; and the store goes on.
func TestCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		ctx := t.Context()
		create(t, s, 0, 10)
		commits := 0
		boltstore.FailCommit(s, func() error {
			if commits++; commits == 2 {
				return errDisk
			}
			return nil
		})
		var told atomic.Int32
		defer s.Watch(func(c apikey.Change) {
			if c.ID == id(1) {
				told.Add(1)
			}
		})()
		errs := group(t, s, nil,
			func() error { return s.Delete(ctx, id(1)) },
			func() error { return s.Delete(ctx, id(1)) },
			func() error { return s.Create(ctx, record(20)) },
		)
		for i, err := range errs {
			if !errors.Is(err, errDisk) || errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("operation %d answered %v", i, err)
			}
		}
		if told.Load() != 2 {
			t.Errorf("watchers were told %d times, want 2", told.Load())
		}
		if n, err := s.Count(ctx, apikey.Filter{}); n != 10 || err != nil {
			t.Errorf("after a commit that failed there are %d keys, %v", n, err)
		}
		if _, ok := changed(t, s, time.Hour)[id(1)]; ok {
			t.Error("what was not committed is in the log")
		}
		create(t, s, 20, 30)
	})
}

// TestWriteFails: should bbolt refuse a write after all checks, nothing of the group is kept.
func TestWriteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := openNew(t)
		if err := boltstore.MakeBucket(s, "values", "seed"); err != nil {
			t.Fatal(err)
		}
		errs := group(t, s, nil,
			func() error { return s.Create(t.Context(), record(1)) },
			func() error { return s.SwapValue(t.Context(), "seed", nil, []byte("s")) },
			func() error { return s.Create(t.Context(), record(2)) },
		)
		if errs[0] == nil || errs[1] == nil || errs[2] == nil {
			t.Errorf("the errors are %v", errs)
		}
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != 0 || err != nil {
			t.Errorf("%d records are there, %v", n, err)
		}
		create(t, s, 1, 3)
	})
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 100)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	boltstore.SetMaxSize(s, int(info.Size()))
	n, full := 100, error(nil)
	for full == nil {
		full = s.Create(t.Context(), record(n))
		n++
	}
	if !strings.Contains(full.Error(), "maximum size") {
		t.Fatal(full)
	}
	for i := range n - 1 {
		if _, err := s.Get(t.Context(), id(i)); err != nil {
			t.Fatalf("on a full disk, key %d of %d: %v", i, n-1, err)
		}
	}
	if _, err := s.Get(t.Context(), id(n-1)); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("what there was no room for: %v", err)
	}
	boltstore.SetMaxSize(s, 0)
	create(t, s, n-1, n+100)
}

// TestSyncFails: the meta page is written, and whether it is on disk nobody knows.
func TestSyncFails(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 10)
	told := 0
	s.Watch(func(c apikey.Change) {
		if c.ID == id(1) {
			told++
		}
	})
	boltstore.FailSync(s, errDisk)
	r := record(1)
	r.Version, r.RevokedAt, r.UniqueKey = 1, created, ""
	if err := s.Replace(t.Context(), r); !errors.Is(err, errDisk) || told != 1 {
		t.Errorf("Replace answered %v and told %d times", err, told)
	}
	calls(s, func(name string, _ bool, do func(context.Context) error) {
		switch err := do(t.Context()); {
		case strings.HasSuffix(name, "nonsense"), strings.HasSuffix(name, "Version 0"), strings.HasSuffix(name, "none"):
			// need no transaction
		case !errors.Is(err, errDisk) || errors.Is(err, boltstore.ErrCorrupt):
			t.Errorf("after a commit of unknown outcome %s answered %v", name, err)
		}
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, nil)
	if r, err := s.Get(t.Context(), id(1)); err != nil || r.Version != 2 {
		t.Errorf("after reopening: %v, %v", r, err)
	}
}

func TestPanicInCommit(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 10)
	boltstore.PanicInCommit(s, "misplaced bucket header: 6b6579")
	if err := s.Create(t.Context(), record(20)); !errors.Is(err, boltstore.ErrCorrupt) || strings.Contains(err.Error(), "6b6579") {
		t.Errorf("Create answered %v", err)
	}
	if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
		t.Errorf("Get answered %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, nil)
	if n, err := s.Count(t.Context(), apikey.Filter{}); n != 10 || err != nil {
		t.Errorf("after reopening there are %d, %v", n, err)
	}
}
