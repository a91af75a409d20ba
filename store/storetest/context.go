package storetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// call is one call to a store.
type call struct {
	name string
	do   func(ctx context.Context, s apikey.Store) error
}

// calls returns a call of every method. Each would succeed, and each write change something,
// where r is stored, absent is not, and the value named v is "v".
func calls(r, absent *apikey.Record) []call {
	return []call{
		{"Create", func(ctx context.Context, s apikey.Store) error { return s.Create(ctx, absent) }},
		{"Get", func(ctx context.Context, s apikey.Store) error { _, err := s.Get(ctx, r.ID); return err }},
		{"Replace", func(ctx context.Context, s apikey.Store) error {
			changed := r.Clone()
			changed.Description = "changed"
			return s.Replace(ctx, changed)
		}},
		{"Delete", func(ctx context.Context, s apikey.Store) error { return s.Delete(ctx, r.ID) }},
		{"List", func(ctx context.Context, s apikey.Store) error {
			_, _, err := s.List(ctx, apikey.Filter{}, apikey.ID{}, 10)
			return err
		}},
		{"Count", func(ctx context.Context, s apikey.Store) error { _, err := s.Count(ctx, apikey.Filter{}); return err }},
		{"RecordUse", func(ctx context.Context, s apikey.Store) error {
			return s.RecordUse(ctx, []apikey.Use{{ID: r.ID, Number: 1, At: at(98)}, {ID: r.ID, Number: 1, At: at(99)}})
		}},
		{"Value", func(ctx context.Context, s apikey.Store) error { _, err := s.Value(ctx, "v"); return err }},
		{"SwapValue", func(ctx context.Context, s apikey.Store) error {
			return s.SwapValue(ctx, "v", []byte("v"), []byte("w"))
		}},
	}
}

// doneContext: a context that is already done has no effect and is the error.
func doneContext(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, record(1))
	mustSwap(t, s, "v", nil, []byte("v"))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled, expired} {
		for _, c := range calls(r, record(2)) {
			wantError(t, c.name+" with a context that is done", c.do(ctx, s), ctx.Err(), "what the caller gave up happens after all")
		}
	}
	got, err := s.Get(t.Context(), r.ID)
	if err != nil {
		t.Fatalf("Get after writes with a context that was done answered %v; else what the caller gave up happens after all", err)
	}
	wantRecord(t, "a write with a context that was done had an effect", got, r)
	wantListed(t, s, apikey.Filter{}, r)
	wantValue(t, s, "SwapValue with a context that was done", "v", []byte("v"))
}

// endsAtLook is a context that ends when it is looked at for the n-th time.
type endsAtLook struct {
	context.Context // nothing but its deadline and values
	mu              sync.Mutex
	looks           int // that are left
	done            chan struct{}
}

func newEndsAtLook(parent context.Context, n int) *endsAtLook {
	return &endsAtLook{Context: parent, looks: n, done: make(chan struct{})}
}

func (c *endsAtLook) look() (ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks--; c.looks == 0 {
		close(c.done)
	}
	return c.looks <= 0
}

func (c *endsAtLook) Done() <-chan struct{} { c.look(); return c.done }

func (c *endsAtLook) Err() error {
	if c.look() {
		return context.Canceled
	}
	return nil
}

// contextThatEnds: a context that ends on the way may leave the outcome unknown, but success
// is success, and what is there is all of it or nothing.
func contextThatEnds(t testing.TB, s apikey.Store) {
	n := 0
	for looks := 1; looks <= 8; looks++ {
		for i := range calls(record(0), record(0)) {
			n += 2
			r, absent := mustCreate(t, s, record(n)), record(n+1)
			mustSwap(t, s, "v", mustValue(t, s, "v"), []byte("v"))
			c := calls(r, absent)[i]
			err := c.do(newEndsAtLook(t.Context(), looks), s)
			done, undone := outcome(t, s, c.name, r, absent)
			if err == nil && !done {
				t.Errorf("%s with a context that ended on the way answered no error and did nothing; else a revocation that was acknowledged is lost", c.name)
			}
			if !done && !undone {
				t.Errorf("%s with a context that ended on the way was done in part; it is all or nothing", c.name)
			}
		}
	}
}

// outcome reports whether a call of that name, from calls, was done, and whether all is as
// it was. For a read it is both.
func outcome(t testing.TB, s apikey.Store, name string, r, absent *apikey.Record) (done, undone bool) {
	t.Helper()
	got, err := s.Get(t.Context(), r.ID)
	if err != nil && name != "Delete" {
		t.Fatalf("Get: %v", err)
	}
	switch name {
	case "Create":
		_, err := s.Get(t.Context(), absent.ID)
		listed := slices.Contains(names(list(t, s, apikey.Filter{}, 1000)), absent.Name)
		return err == nil && listed, errors.Is(err, apikey.ErrNotFound) && !listed
	case "Replace":
		return got.Version == 2 && got.Description == "changed", got.Version == 1 && got.Description == ""
	case "Delete":
		listed := slices.Contains(names(list(t, s, apikey.Filter{}, 1000)), r.Name)
		return errors.Is(err, apikey.ErrNotFound) && !listed, err == nil && listed
	case "RecordUse":
		return got.LastUsedAt.Equal(at(99)), got.LastUsedAt.IsZero()
	case "SwapValue":
		v := string(mustValue(t, s, "v"))
		return v == "w", v == "v"
	}
	return true, true
}

// closed: after Close a store answers nothing but errors, and none that says that a key is
// not there or was changed.
func closed(t testing.TB, s apikey.Store) {
	c, ok := s.(io.Closer)
	if !ok {
		t.Skip("this store has no Close")
	}
	r := mustCreate(t, s, record(1))
	mustSwap(t, s, "v", nil, []byte("v"))
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	for _, c := range calls(r, record(2)) {
		err := c.do(t.Context(), s)
		if err == nil {
			t.Errorf("%s after Close answered no error", c.name)
		}
		for _, answer := range []error{apikey.ErrNotFound, apikey.ErrConflict, apikey.ErrExists, apikey.ErrNameTaken} {
			if errors.Is(err, answer) {
				t.Errorf("%s after Close answered %v; else a fault is taken for an answer about the key", c.name, err)
			}
		}
	}
}
