package storetest

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// durableRecords: every field, version and last-used time, and no record that was deleted.
func durableRecords(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	full, extreme := filled(t, 1, false), filled(t, 2, true)
	extreme.ID = id(2)
	full, extreme = mustCreate(t, s, full), mustCreate(t, s, extreme)
	newer := mustCreate(t, s, fromNewerProgram(t, record(3)))
	used := mustCreate(t, s, record(4))
	mustUse(t, s, apikey.Use{ID: used.ID, Number: 1, At: at(77)})
	used = mustGet(t, s, used.ID)
	revoked := mustCreate(t, s, record(5))
	revoked.RevokedAt, revoked.RevokedReason = at(50), "leaked"
	revoked = mustReplace(t, s, revoked)
	deleted := mustCreate(t, s, record(6))
	mustDelete(t, s, deleted.ID)

	for range 2 {
		s = reopen()
		for _, want := range []*apikey.Record{full, extreme, used, revoked} {
			wantRecord(t, "after reopening", mustGet(t, s, want.ID), want)
		}
		wantSameEncoding(t, "reopening", mustGet(t, s, newer.ID), newer)
		wantGone(t, s, deleted.ID, "reopening", "a deleted key comes back to life")
		wantListed(t, s, apikey.Filter{}, revoked, used, newer, extreme, full)

		stale := revoked.Clone()
		stale.Version--
		wantError(t, "Replace, after reopening, of a Version that is no longer stored", s.Replace(t.Context(), stale), apikey.ErrConflict, "it undoes a change that it has not seen")
		revoked.Description += "x"
		revoked = mustReplace(t, s, revoked)
	}
}

// durableIndexes: what is found by subject and by UniqueKey.
func durableIndexes(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	ctx := t.Context()
	kept, moved := mustCreate(t, s, named(1, "a")), mustCreate(t, s, named(2, "b"))
	moved.Subject, moved.UniqueKey = "user_2", "c"
	moved = mustReplace(t, s, moved)
	mustDelete(t, s, mustCreate(t, s, named(3, "d")).ID)

	s = reopen()
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, kept)
	wantListed(t, s, apikey.Filter{Subject: "user_2"}, moved)
	for n, key := range []string{"a", "c"} {
		wantError(t, "Create, after reopening, with a UniqueKey in use", s.Create(ctx, named(10+n, key)), apikey.ErrNameTaken, whyUnique)
	}
	for n, key := range []string{"b", "d"} {
		wantError(t, "Create, after reopening, with a UniqueKey that was freed", s.Create(ctx, named(20+n, key)), nil, "the name of a revoked key can't be used again")
	}
}

func durableValues(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	mustSwap(t, s, "seed", nil, []byte("a\x00\xff"))
	mustSwap(t, s, "empty", nil, []byte{})
	mustSwap(t, s, "gone", nil, []byte("g"))
	mustSwap(t, s, "gone", []byte("g"), nil)
	for range 2 {
		s = reopen()
		wantValue(t, s, "reopening", "seed", []byte("a\x00\xff"))
		wantValue(t, s, "reopening", "empty", []byte{})
		wantValue(t, s, "reopening", "gone", nil)
		wantError(t, "SwapValue, after reopening, from none where there is one", s.SwapValue(t.Context(), "seed", nil, []byte("b")), apikey.ErrConflict, "a second seed is made and every key is refused")
	}
}

// durableEveryWrite reopens after each write, so that none rides on the next one's commit.
func durableEveryWrite(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	r := mustCreate(t, s, record(1))
	for i := range calls(r, record(2)) {
		absent := record(10 + i)
		r = mustGet(t, s, r.ID)
		if v := mustValue(t, s, "v"); string(v) != "v" {
			mustSwap(t, s, "v", v, []byte("v"))
		}
		s = reopen()
		c := calls(r, absent)[i]
		if err := c.do(t.Context(), s); err != nil {
			t.Fatalf("%s after reopening: %v", c.name, err)
		}
		s = reopen()
		if done, _ := outcome(t, s, c.name, r, absent); !done {
			t.Errorf("%s answered no error and is not there after reopening; nil from a write means durable", c.name)
		}
		if c.name == "Delete" {
			r = mustCreate(t, s, record(1))
		}
	}
}

// durableChanges: the log is there after reopening, each change by itself, and goes on upwards.
func durableChanges(t testing.TB, s apikey.Store, reopen func() apikey.Store) {
	if _, ok := s.(apikey.ChangeLog); !ok {
		t.Skip("this store has no ChangeLog")
	}
	r, gone := mustCreate(t, s, record(1)), mustCreate(t, s, record(2))
	before := make(logged)
	for range 3 {
		r = mustReplace(t, s, r)
		now := wantLogged(t, s, "Replace", before, r.ID)
		s = reopen()
		wantSameLog(t, s, "Replace and reopening", now)
		before = now
	}
	mustDelete(t, s, gone.ID)
	now := wantLogged(t, s, "Delete, after reopening,", before, gone.ID)
	for range 2 {
		s = reopen()
		wantSameLog(t, s, "Delete and reopening", now)
	}
	mustDelete(t, s, r.ID)
	now = wantLogged(t, s, "Delete, after reopening,", now, r.ID)
	s = reopen()
	wantSameLog(t, s, "Delete and reopening", now)
}
