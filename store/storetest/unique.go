package storetest

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// named returns the n-th record with a UniqueKey.
func named(n int, key string) *apikey.Record {
	r := record(n)
	r.UniqueKey = key
	return r
}

const whyUnique = "two keys of a subject have one name"

func uniqueKeys(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	a, b := mustCreate(t, s, named(1, "a")), mustCreate(t, s, named(2, "b"))
	wantError(t, "Create with a UniqueKey in use", s.Create(ctx, named(3, "a")), apikey.ErrNameTaken, whyUnique)
	wantGone(t, s, id(3), "Create that answered ErrNameTaken", "a key exists that nobody was told of")

	mine := b.Clone()
	mine.UniqueKey, mine.Description = "a", "changed"
	wantError(t, "Replace with a UniqueKey in use", s.Replace(ctx, mine), apikey.ErrNameTaken, whyUnique)
	wantRecord(t, "Replace that answered ErrNameTaken wrote", mustGet(t, s, b.ID), b)
	wantRecord(t, "the holder of a UniqueKey changed", mustGet(t, s, a.ID), a)

	for n := 4; n < 7; n++ {
		const why = "only one key can be without a unique name"
		wantError(t, "Create with an empty UniqueKey beside others", s.Create(ctx, named(n, "")), nil, why)
		wantError(t, "Replace with an empty UniqueKey beside others", s.Replace(ctx, mustGet(t, s, id(n))), nil, why)
	}
}

func uniqueKeysAreBytes(t testing.TB, s apikey.Store) {
	keys := []string{
		"user_1\x00deploy", "user_1\x00Deploy", "user_1\x00deploy ", "user_1\x00", "user_1", "user_1\x00deploy\x00",
		"\x00", "\x00\x00", "\xff", "\xff\xfe", "a%", "a_", `a\`, `a'`, "é", "e\u0301", "日本",
	}
	for n, key := range keys {
		if err := s.Create(t.Context(), named(n, key)); err != nil {
			t.Fatalf("Create with UniqueKey %q beside others: %v; it compares bytes", key, err)
		}
	}
	for n, key := range keys {
		wantError(t, "Create with a UniqueKey in use", s.Create(t.Context(), named(100+n, key)), apikey.ErrNameTaken, whyUnique)
		if got := mustGet(t, s, id(n)).UniqueKey; got != key {
			t.Errorf("UniqueKey is %q, want %q", got, key)
		}
	}
}

// uniqueKeyFreed: by Delete, by clearing it as a revocation does, and by moving to another.
func uniqueKeyFreed(t testing.TB, s apikey.Store) {
	const why = "the name of a revoked key can't be used again"
	ctx := t.Context()
	deleted := mustCreate(t, s, named(1, "a"))
	mustDelete(t, s, deleted.ID)
	wantError(t, "Create with the UniqueKey of a deleted record", s.Create(ctx, named(2, "a")), nil, why)

	cleared := mustGet(t, s, id(2))
	cleared.UniqueKey = ""
	mustReplace(t, s, cleared)
	wantError(t, "Create with a UniqueKey that was cleared", s.Create(ctx, named(3, "a")), nil, why)

	moved := mustGet(t, s, id(3))
	moved.UniqueKey = "b"
	mustReplace(t, s, moved)
	wantError(t, "Create with the UniqueKey that a Replace moved to", s.Create(ctx, named(4, "b")), apikey.ErrNameTaken, whyUnique)
	wantError(t, "Create with the UniqueKey that a Replace moved from", s.Create(ctx, named(5, "a")), nil, why)

	// What is gone must not free what another holds now.
	mustDelete(t, s, id(2))
	wantError(t, "Create with a UniqueKey in use, once held by a record just deleted", s.Create(ctx, named(6, "a")), apikey.ErrNameTaken, whyUnique)
	moved = mustGet(t, s, id(3))
	moved.Description = "changed"
	mustReplace(t, s, moved)
	mustDelete(t, s, moved.ID)
	wantError(t, "Create with a UniqueKey in use, once held by a record just replaced and deleted", s.Create(ctx, named(7, "a")), apikey.ErrNameTaken, whyUnique)
}

func uniqueKeyKept(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := mustCreate(t, s, named(1, "a"))
	for range 3 {
		r.Description += "x"
		if err := s.Replace(ctx, r); err != nil {
			t.Fatalf("Replace that keeps the record's own UniqueKey: %v", err)
		}
		r.Version++
		wantError(t, "Create with a UniqueKey that a Replace kept", s.Create(ctx, named(2, "a")), apikey.ErrNameTaken, whyUnique)
	}
	mustUse(t, s, apikey.Use{ID: r.ID, Number: 1, At: at(9)})
	wantError(t, "Create with a UniqueKey in use, after RecordUse", s.Create(ctx, named(2, "a")), apikey.ErrNameTaken, whyUnique)
}

// failedWritesTakeNoUniqueKey, nor do they free the one there is.
func failedWritesTakeNoUniqueKey(t testing.TB, s apikey.Store) {
	const why = "a name is lost to a write that never was"
	ctx := t.Context()
	mustCreate(t, s, named(1, "a"))
	mustCreate(t, s, named(2, "b"))

	wantError(t, "Create of an id that is there", s.Create(ctx, named(1, "c")), apikey.ErrExists, "one key overwrites another")
	stale := named(1, "c")
	stale.Version = 9
	wantError(t, "Replace of a Version that is not stored", s.Replace(ctx, stale), apikey.ErrConflict, "it undoes a change that it has not seen")
	stale.UniqueKey = ""
	wantError(t, "Replace of a Version that is not stored", s.Replace(ctx, stale), apikey.ErrConflict, "it undoes a change that it has not seen")
	taken := mustGet(t, s, id(1))
	taken.UniqueKey = "b"
	wantError(t, "Replace with a UniqueKey in use", s.Replace(ctx, taken), apikey.ErrNameTaken, whyUnique)
	gone := named(4, "c")
	gone.Version = 1
	wantError(t, "Replace of a record that is not there", s.Replace(ctx, gone), apikey.ErrConflict, "Replace creates")

	wantError(t, "Create with a UniqueKey that only failed writes had", s.Create(ctx, named(5, "c")), nil, why)
	wantError(t, "Create with a UniqueKey whose holder only failed to leave it", s.Create(ctx, named(6, "a")), apikey.ErrNameTaken, whyUnique)
	mustDelete(t, s, id(1))
	wantError(t, "Create with a UniqueKey freed by Delete, after failed writes", s.Create(ctx, named(7, "a")), nil, why)
}

func uniqueKeyRacedByCreates(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	for round := range 10 {
		first := 100 * round
		key := string(rune('a' + round))
		errs := together(8, func(i int) error { return s.Create(ctx, named(first+i, key)) })
		winner := wantOneWinner(t, "Create with one UniqueKey by 8 at once", errs, apikey.ErrNameTaken, whyUnique)
		for i := range errs {
			if i != winner {
				wantGone(t, s, id(first+i), "Create that lost a race for a UniqueKey", whyUnique)
			}
		}
		mustGet(t, s, id(first+winner))
	}
}

func uniqueKeyRacedByReplace(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	for round := range 10 {
		first := 100 * round
		key := string(rune('a' + round))
		var rs []*apikey.Record
		for i := range 4 {
			rs = append(rs, mustCreate(t, s, record(first+i)))
		}
		creates := round % 2 * 2 // in every other round, which they often win
		errs := together(len(rs)+creates, func(i int) error {
			if i >= len(rs) {
				return s.Create(ctx, named(first+i, key))
			}
			r := rs[i].Clone()
			r.UniqueKey = key
			return s.Replace(ctx, r)
		})
		winner := wantOneWinner(t, "Replace, and Create, with one UniqueKey by several at once", errs, apikey.ErrNameTaken, whyUnique)
		for i, r := range rs {
			want := ""
			if i == winner {
				want = key
			}
			if got := mustGet(t, s, r.ID).UniqueKey; got != want {
				t.Errorf("after Replaces raced for UniqueKey %q one that answered %v holds %q", key, errs[i], got)
			}
		}
	}
}
