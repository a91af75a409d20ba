package storetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

func toldBeforeReturn(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	w := watch(t, s)
	r, other := mustCreate(t, s, record(1)), mustCreate(t, s, record(2))
	const replaces = 20
	for range replaces {
		wantTold(t, w, "Replace", r.ID, func() error { return s.Replace(ctx, r) }, nil)
		r.Version++
	}
	wantTold(t, w, "Delete", r.ID, func() error { return s.Delete(ctx, r.ID) }, nil)
	// Its Create may be told, and told again, but not as often as this.
	if n := w.count(other.ID); n >= replaces {
		t.Errorf("the watcher was told %d times of a record that did not change, while another was replaced %d times; else each change makes every record be read again", n, replaces)
	}
}

// toldAfterCommit reads at each change that is told. What is read after the last one before
// a call returns must be the new state: a Verifier trusts it from then on.
func toldAfterCommit(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := mustCreate(t, s, record(1))
	const gone = 0 // as the version of a record that is not there
	var mu sync.Mutex
	told, read := 0, make(map[int]uint64) // how often; what was read after that many
	more := make(chan struct{}, 1)
	stop := watcher(t, s).Watch(func(c apikey.Change) {
		if c.ID != r.ID {
			return
		}
		mu.Lock()
		told++
		now := told
		mu.Unlock()
		select {
		case more <- struct{}{}:
		default:
		}
		// Let the reader in, if the store does: one that told too early has not committed yet.
		for range 1000 {
			mu.Lock()
			_, ok := read[now]
			mu.Unlock()
			if ok {
				return
			}
			runtime.Gosched()
		}
	})
	var reader sync.WaitGroup
	done := make(chan struct{})
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-more:
			}
			mu.Lock()
			after := told
			mu.Unlock()
			version := uint64(gone)
			if r, err := s.Get(ctx, r.ID); err == nil {
				version = r.Version
			}
			mu.Lock()
			read[after] = version
			mu.Unlock()
		}
	})
	write := func(call string, do func() error, want uint64) {
		if err := do(); err != nil {
			t.Errorf("%s: %v", call, err)
		}
		mu.Lock()
		defer mu.Unlock()
		if got, ok := read[told]; ok && got != want {
			t.Errorf("%s told the watcher before its commit and not after: who read the record then got Version %d and not %d; else a Verifier trusts the old state for ever", call, got, want)
		}
	}
	for range 20 {
		r.Version = 1
		write("Replace", func() error { return s.Replace(ctx, r) }, 2)
		write("Delete", func() error { return s.Delete(ctx, r.ID) }, gone)
		if err := s.Create(ctx, r); err != nil {
			t.Errorf("Create: %v", err)
		}
	}
	close(done)
	reader.Wait()
	stop()
}

func toldOfConflicts(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := mustCreate(t, s, record(1))
	mustReplace(t, s, r)
	w := watch(t, s)
	// Someone else was first, and what they wrote may not have been told yet.
	wantTold(t, w, "Replace of a Version that is not stored", r.ID, func() error { return s.Replace(ctx, r) }, apikey.ErrConflict)
	r.Version = 0
	wantTold(t, w, "Replace with Version 0", r.ID, func() error { return s.Replace(ctx, r) }, apikey.ErrConflict)
	mustDelete(t, s, r.ID)
	r.Version = 2
	wantTold(t, w, "Replace of a record that is gone", r.ID, func() error { return s.Replace(ctx, r) }, apikey.ErrConflict)
	wantTold(t, w, "Delete of a record that is gone", r.ID, func() error { return s.Delete(ctx, r.ID) }, apikey.ErrNotFound)
	wantTold(t, w, "Replace with Version 0 of a record that never was", id(9), func() error { return s.Replace(ctx, record(9)) }, apikey.ErrConflict)
	wantTold(t, w, "Delete of a record that never was", id(9), func() error { return s.Delete(ctx, id(9)) }, apikey.ErrNotFound)
}

// toldInEveryGoroutine: with many writers at once, each is told of its own write before its
// call returns, whoever commits for whom.
func toldInEveryGoroutine(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	w := watch(t, s)
	const writers, each = 6, 10
	var rs []*apikey.Record
	for n := range writers {
		rs = append(rs, mustCreate(t, s, record(n)))
	}
	errs := together(writers, func(i int) error {
		r := rs[i]
		for range each {
			before := w.count(r.ID)
			if err := s.Replace(ctx, r); err != nil {
				return err
			}
			if w.count(r.ID) == before {
				t.Errorf("Replace, among others at once, returned before the watcher was told of it; else a Verify that starts now accepts the old state")
			}
			r.Version++
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Replace by %d at once, of a record each: %v", writers, err)
	}
}

// toldOfDoubtfulWrites ends contexts at every moment: where the store looks at them, and at
// random. Whatever was written must have been told, even if the call answered an error.
func toldOfDoubtfulWrites(t testing.TB, s apikey.Store) {
	w := watch(t, s)
	start := time.Now()
	r := mustReplace(t, s, mustCreate(t, s, record(1)))
	longest := time.Since(start) + time.Microsecond
	n := 1
	for i := range 60 {
		ctx, cancel := context.Context(newEndsAtLook(t.Context(), i+1)), func() {}
		if i >= 10 {
			ctx, cancel = context.WithTimeout(t.Context(), rand.N(longest))
		}
		before := w.count(r.ID)
		r.Description += "x"
		err := s.Replace(ctx, r)
		now := mustGet(t, s, r.ID)
		if now.Version != r.Version && w.count(r.ID) == before {
			t.Errorf("Replace whose context ended wrote, answered %v and did not tell the watcher; else a revoked key works until someone reads it", err)
		}
		if err == nil && now.Version == r.Version {
			t.Errorf("Replace whose context ended answered no error and wrote nothing")
		}
		r = now

		before = w.count(r.ID)
		err = s.Delete(ctx, r.ID)
		if _, getErr := s.Get(t.Context(), r.ID); errors.Is(getErr, apikey.ErrNotFound) {
			if w.count(r.ID) == before {
				t.Errorf("Delete whose context ended deleted, answered %v and did not tell the watcher; else a deleted key works until someone reads it", err)
			}
			n++
			r = mustCreate(t, s, record(n))
		}
		cancel()
	}
}

// notToldOfUse: else each flush of last-used times makes a Verifier read every record again.
func notToldOfUse(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, record(1))
	w := watch(t, s)
	const uses = 50
	for n := range uses {
		mustUse(t, s, apikey.Use{ID: r.ID, Number: 1, At: at(n + 1)})
	}
	// The Create may be told late, and told again, but not as often as this.
	if n := w.count(r.ID); n >= uses {
		t.Errorf("the watcher was told %d times of a record that was used %d times, and RecordUse is no Change; else each use makes the record be read again", n, uses)
	}
}
