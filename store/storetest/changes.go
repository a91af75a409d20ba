package storetest

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// ended returns a context that is done.
func ended(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// changesWithin: what has just happened is in any log that goes back a minute, and what is no
// length of time for it is refused. How far back a log goes needs a clock to set, and is for the
// store's own tests.
func changesWithin(t testing.TB, s apikey.Store) {
	for _, within := range []time.Duration{-1, -apikey.ChangesKept, apikey.ChangesKept + 1, 1 << 62} {
		if all, err := changeLog(t, s).Changes(t.Context(), within); err == nil {
			t.Errorf("Changes within %v answered no error and %d records; what the store may have forgotten can't be asked for, else nothing is taken for no change", within, len(all))
		}
	}
	mustChangesWithin(t, s, 0)
	r := mustReplace(t, s, mustCreate(t, s, record(1)))
	gone := mustCreate(t, s, record(2))
	mustDelete(t, s, gone.ID)
	for _, within := range []time.Duration{time.Minute, time.Minute + 1, apikey.ChangesKept - 1, apikey.ChangesKept} {
		now := mustChangesWithin(t, s, within)
		for _, id := range []apikey.ID{r.ID, gone.ID} {
			if _, ok := now[id]; !ok {
				t.Errorf("Changes within %v has not what was changed a moment ago; else %s", within, whyLogged)
			}
		}
	}
	mustChangesWithin(t, s, 0)
}

// changesAreCopies: what was returned is the caller's own.
func changesAreCopies(t testing.TB, s apikey.Store) {
	for n := range 3 {
		mustReplace(t, s, mustCreate(t, s, record(n)))
	}
	before := mustChanges(t, s)
	all, err := changeLog(t, s).Changes(t.Context(), apikey.ChangesKept)
	if err != nil {
		t.Fatalf("Changes: %v", err)
	}
	kept, err := changeLog(t, s).Changes(t.Context(), apikey.ChangesKept)
	if err != nil {
		t.Fatalf("Changes: %v", err)
	}
	clear(all)
	clear(all[:cap(all)])
	for _, l := range kept {
		if l.Sequence != before[l.ID] {
			t.Errorf("a change to what Changes had returned reached another caller; each has a slice of its own")
			break
		}
	}
	wantSameLog(t, s, "a change to the slice that Changes returned", before)
}

// changesOf is mustChanges for a goroutine of its own.
func changesOf(ctx context.Context, l apikey.ChangeLog) (logged, error) {
	all, err := l.Changes(ctx, apikey.ChangesKept)
	of := make(logged)
	for _, l := range all {
		of[l.ID] = l.Sequence
	}
	return of, err
}

// changesInEveryGoroutine: with many writers at once, each finds its own change when its call has
// returned, whoever commits for whom, and none is lost or comes twice.
func changesInEveryGoroutine(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	l := changeLog(t, s)
	const writers, each = 6, 10
	var rs []*apikey.Record
	for n := range writers {
		rs = append(rs, mustCreate(t, s, record(n)))
	}
	errs := together(writers, func(i int) error {
		r, before := rs[i].Clone(), make(logged)
		for range each {
			if err := s.Replace(ctx, r); err != nil {
				return err
			}
			r.Version++
			now, err := changesOf(ctx, l)
			if err != nil {
				return err
			}
			wantLater(t, "Replace, among others at once,", before, now, r.ID)
			before = now
		}
		return s.Delete(ctx, r.ID)
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Replace by %d at once, of a record each: %v", writers, err)
	}
	if now := mustChanges(t, s); len(now) != writers {
		t.Errorf("%d records were replaced and deleted at once, and %d are in the log; else %s", writers, len(now), whyLogged)
	}
}

// loggedWithTheCommit: who reads a record as it is after a change finds the change in the log.
func loggedWithTheCommit(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	l := changeLog(t, s)
	for n := range 20 {
		r := mustCreate(t, s, record(n))
		before := mustChanges(t, s)
		errs := together(2, func(i int) error {
			if i == 0 && n%2 == 0 {
				return s.Replace(ctx, r)
			}
			if i == 0 {
				return s.Delete(ctx, r.ID)
			}
			for {
				got, err := s.Get(ctx, r.ID)
				if errors.Is(err, apikey.ErrNotFound) || err == nil && got.Version > r.Version {
					break
				}
				if err != nil {
					return err
				}
			}
			now, err := changesOf(ctx, l)
			if err == nil {
				wantLater(t, "a change that another call has seen", before, now, r.ID)
			}
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("a change, and Get until it is seen: %v", err)
		}
	}
}

// doubtfulWritesAreLogged ends contexts on the way. What was written is in the log, even if the call
// answered an error, and what was not is not.
func doubtfulWritesAreLogged(t testing.TB, s apikey.Store) {
	r, n := mustCreate(t, s, record(1)), 1
	for looks := 1; looks <= 8; looks++ {
		before := mustChanges(t, s)
		err := s.Replace(newEndsAtLook(t.Context(), looks), r)
		now := mustGet(t, s, r.ID)
		wantOutcomeLogged(t, s, "Replace", before, r.ID, err, now.Version != r.Version)
		r = now

		before = mustChanges(t, s)
		err = s.Delete(newEndsAtLook(t.Context(), looks), r.ID)
		_, getErr := s.Get(t.Context(), r.ID)
		gone := errors.Is(getErr, apikey.ErrNotFound)
		wantOutcomeLogged(t, s, "Delete", before, r.ID, err, gone)
		if gone {
			n++
			r = mustCreate(t, s, record(n))
		}
	}
}

func wantOutcomeLogged(t testing.TB, s apikey.Store, call string, before logged, id apikey.ID, err error, done bool) {
	t.Helper()
	now := mustChanges(t, s)
	switch {
	case done && now.same(before, id):
		t.Errorf("%s whose context ended wrote, answered %s and is not in the log; else %s", call, text(err), whyLogged)
	case !done && !now.same(before, id):
		t.Errorf("%s whose context ended wrote nothing, answered %s and is in the log; else %s", call, text(err), whyRefused)
	}
}

func changesWithAContextThatIsDone(t testing.TB, s apikey.Store) {
	mustReplace(t, s, mustCreate(t, s, record(1)))
	all, err := changeLog(t, s).Changes(ended(t), apikey.ChangesKept)
	wantError(t, "Changes with a context that is done", err, context.Canceled, "nothing is taken for no change")
	if len(all) > 0 {
		t.Errorf("Changes with a context that is done returned %d records beside its error", len(all))
	}
}

// changesAfterClose: no answer is taken for no change.
func changesAfterClose(t testing.TB, s apikey.Store) {
	c, ok := s.(io.Closer)
	if !ok {
		t.Skip("this store has no Close")
	}
	l := changeLog(t, s)
	mustReplace(t, s, mustCreate(t, s, record(1)))
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if all, err := l.Changes(t.Context(), apikey.ChangesKept); err == nil {
		t.Errorf("Changes after Close answered no error and %d records; else %s", len(all), whyLogged)
	}
}
