package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

const (
	whyLogged  = "another process goes on accepting what was revoked"
	whyRefused = "the processes that read the log give up keys that are as they were"
)

func changeLog(t testing.TB, s apikey.Store) apikey.ChangeLog {
	t.Helper()
	l, ok := s.(apikey.ChangeLog)
	if !ok {
		t.Fatalf("%T does not implement apikey.ChangeLog", s)
	}
	return l
}

// logged is what the log has of each record, by its sequence.
type logged map[apikey.ID]uint64

// mustChanges returns the whole log and fails t if a record is there twice.
func mustChanges(t testing.TB, s apikey.Store) logged {
	t.Helper()
	return mustChangesWithin(t, s, apikey.ChangesKept)
}

func mustChangesWithin(t testing.TB, s apikey.Store, within time.Duration) logged {
	t.Helper()
	all, err := changeLog(t, s).Changes(t.Context(), within)
	if err != nil {
		t.Fatalf("Changes within %v: %v", within, err)
	}
	of := make(logged)
	for _, l := range all {
		if _, twice := of[l.ID]; twice {
			t.Errorf("Changes returned record %s twice; it returns each once, with its latest change, else the reader may keep an older one", l.ID)
		}
		of[l.ID] = max(of[l.ID], l.Sequence)
	}
	return of
}

// wantLogged fails t unless the record is in the log with a higher sequence than before, where before
// has it. It returns the log.
func wantLogged(t testing.TB, s apikey.Store, after string, before logged, id apikey.ID) logged {
	t.Helper()
	now := mustChanges(t, s)
	wantLater(t, after, before, now, id)
	return now
}

func wantLater(t testing.TB, after string, before, now logged, id apikey.ID) {
	t.Helper()
	was, known := before[id]
	is, ok := now[id]
	switch {
	case !ok:
		t.Errorf("after %s the record is not in the log; else %s", after, whyLogged)
	case known && is <= was:
		t.Errorf("after %s the record is in the log with Sequence %d, and had %d before; it is higher with every change, else the change is taken for one that is known", after, is, was)
	}
}

// same reports whether both have the same of a record, or nothing.
func (l logged) same(other logged, id apikey.ID) bool {
	a, inL := l[id]
	b, inOther := other[id]
	return a == b && inL == inOther
}

func (l logged) text(id apikey.ID) string {
	if sequence, ok := l[id]; ok {
		return fmt.Sprintf("with Sequence %d", sequence)
	}
	return "not at all"
}

// loggedBeforeReturn: each change is in the log when its call returns, and the records that were not
// changed are not, or as they were.
func loggedBeforeReturn(t testing.TB, s apikey.Store) {
	if now := mustChanges(t, s); len(now) != 0 {
		t.Errorf("the log of an empty store has %d records", len(now))
	}
	r, other := mustCreate(t, s, record(1)), mustCreate(t, s, record(2))
	now := make(logged)
	change := func(call string, do func()) {
		t.Helper()
		before := now
		do()
		now = wantLogged(t, s, call, before, r.ID)
		if !now.same(before, other.ID) {
			t.Errorf("%s of one record changed what the log has of another; else %s", call, whyRefused)
		}
	}
	for range 5 {
		change("Replace", func() { r = mustReplace(t, s, r) })
	}
	before := now
	other = mustReplace(t, s, other)
	now = wantLogged(t, s, "Replace of another record", before, other.ID)
	if !now.same(before, r.ID) {
		t.Errorf("Replace of another record changed what the log has of the first; else %s", whyRefused)
	}
	change("Delete", func() { mustDelete(t, s, r.ID) })
	mustCreate(t, s, record(1)) // as an import may
	change("Delete of a record that was created again", func() { mustDelete(t, s, r.ID) })
	mustDelete(t, s, other.ID)
	wantLogged(t, s, "Delete of the last record", now, other.ID)
}

// createsAreNoChanges, and neither are uses and values.
func createsAreNoChanges(t testing.TB, s apikey.Store) {
	changed := mustReplace(t, s, mustCreate(t, s, record(1)))
	before := mustChanges(t, s)
	unchanged := mustCreate(t, s, record(2))
	for n := range 3 {
		for _, r := range []*apikey.Record{changed, unchanged} {
			mustUse(t, s, apikey.Use{ID: r.ID, Number: 1, At: at(n + 1)})
		}
	}
	mustSwap(t, s, "v", nil, []byte("v"))
	wantSameLog(t, s, "Create, RecordUse and SwapValue", before)
}

// refusedWritesAreNoChanges: of a record that was changed before, and of one that was not.
func refusedWritesAreNoChanges(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	changed := mustReplace(t, s, mustCreate(t, s, named(1, "a")))
	unchanged, gone := mustCreate(t, s, named(2, "b")), mustCreate(t, s, record(3))
	mustDelete(t, s, gone.ID)
	before := mustChanges(t, s)
	refused := func(call string, err, want error) {
		t.Helper()
		wantError(t, call, err, want, "a write that is refused seems done")
		wantSameLog(t, s, call+" that was refused", before)
	}
	for _, r := range []*apikey.Record{changed, unchanged} {
		stale, none, namesake := r.Clone(), r.Clone(), r.Clone()
		stale.Version += 3
		none.Version = 0
		namesake.UniqueKey = "a"
		if r == changed {
			namesake.UniqueKey = "b"
		}
		refused("Replace of a Version that is not stored", s.Replace(ctx, stale), apikey.ErrConflict)
		refused("Replace with Version 0", s.Replace(ctx, none), apikey.ErrConflict)
		refused("Replace with a UniqueKey in use", s.Replace(ctx, namesake), apikey.ErrNameTaken)
		refused("Create of an id that is there", s.Create(ctx, r), apikey.ErrExists)
		refused("Replace with a context that is done", s.Replace(ended(t), r), ended(t).Err())
		refused("Delete with a context that is done", s.Delete(ended(t), r.ID), ended(t).Err())
	}
	refused("Replace of a record that is gone", s.Replace(ctx, gone), apikey.ErrConflict)
	refused("Delete of a record that is gone", s.Delete(ctx, gone.ID), apikey.ErrNotFound)
	refused("Delete of a record that never was", s.Delete(ctx, id(9)), apikey.ErrNotFound)
}

func wantSameLog(t testing.TB, s apikey.Store, after string, before logged) {
	t.Helper()
	now := mustChanges(t, s)
	for id := range now {
		if !now.same(before, id) {
			t.Errorf("%s: the log has record %s %s, and had it %s before, and nothing has changed; else %s", after, id, now.text(id), before.text(id), whyRefused)
		}
	}
	for id := range before {
		if _, ok := now[id]; !ok {
			t.Errorf("after %s a change is no longer in the log; else %s", after, whyLogged)
		}
	}
}
