package storetest

import (
	"errors"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// missing: what is not there, for every method.
func missing(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	wantGone(t, s, id(1), "no Create", "an unknown key is taken for a fault")
	wantError(t, "Delete of a record that never was", s.Delete(ctx, id(1)), apikey.ErrNotFound, "a mistyped id seems deleted")
	r := record(1)
	r.Version = 1
	wantError(t, "Replace of a record that never was", s.Replace(ctx, r), apikey.ErrConflict, "the caller does not learn that it is gone")
	if n, err := s.Count(ctx, apikey.Filter{}); n != 0 || err != nil {
		t.Errorf("Count of an empty store answered (%d, %v), want 0", n, err)
	}
	if all := list(t, s, apikey.Filter{}, 10); len(all) != 0 {
		t.Errorf("List of an empty store returned %d records", len(all))
	}
	mustUse(t, s, apikey.Use{ID: id(1), Number: 1, At: at(1)})
	if v := mustValue(t, s, "seed"); v != nil {
		t.Errorf("Value of a name that was never set returned %q, want nil; else absence can't be told from a value", v)
	}
	wantError(t, "SwapValue from a value to another where there is none", s.SwapValue(ctx, "seed", []byte("a"), []byte("b")), apikey.ErrConflict, "a value that was deleted comes back")
	wantError(t, "SwapValue from a value to none where there is none", s.SwapValue(ctx, "seed", []byte("a"), nil), apikey.ErrConflict, "a delete that deleted nothing is believed")
	wantGone(t, s, id(1), "writes that found nothing", "one of them created the record")
}

func createSetsVersion1(t testing.TB, s apikey.Store) {
	for n, version := range []uint64{0, 1, 7} {
		r := record(n)
		r.Version = version
		if got := mustCreate(t, s, r); got.Version != 1 {
			t.Errorf("Create of a record with Version %d stored Version %d, want 1 whatever it says", version, got.Version)
		}
		if r.Version != version {
			t.Errorf("Create changed the Version of the record it was handed; a store changes nothing that it is handed")
		}
	}
}

func createRefusesAnIDThatIsThere(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := record(1)
	r.UniqueKey = "a"
	before := mustCreate(t, s, r)
	again := record(1)
	again.Subject = "user_2"
	wantError(t, "Create of an id that is there", s.Create(ctx, again), apikey.ErrExists, "one key overwrites another")
	again.UniqueKey = "a"
	wantError(t, "Create of an id that is there, with that record's own UniqueKey", s.Create(ctx, again), apikey.ErrExists, "the caller asks for another name, in vain")
	wantRecord(t, "Create that was refused changed the stored record", mustGet(t, s, r.ID), before)
	if n, err := s.Count(ctx, apikey.Filter{}); n != 1 || err != nil {
		t.Errorf("after a Create that was refused Count answered (%d, %v), want 1", n, err)
	}
}

func replaceStoresTheNextVersion(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, record(1))
	other := mustCreate(t, s, record(2))
	for version := uint64(1); version < 5; version++ {
		r.Description = "after Version " + string(rune('0'+version))
		r.UpdatedAt = at(int(version))
		got := mustReplace(t, s, r)
		if got.Version != version+1 {
			t.Fatalf("Replace of Version %d stored Version %d, want %d; else a change made meanwhile is overwritten unseen", version, got.Version, version+1)
		}
		if r.Version != version {
			t.Fatalf("Replace changed the Version of the record it was handed; a store changes nothing that it is handed")
		}
		r.Version++
		wantRecord(t, "Replace", got, r)
	}
	wantRecord(t, "Replace changed another record", mustGet(t, s, other.ID), other)
}

func replaceRefusesAnotherVersion(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	stale := mustCreate(t, s, record(1))
	revoked := stale.Clone()
	revoked.RevokedAt = at(10)
	revoked = mustReplace(t, s, revoked)

	wantError(t, "Replace of a Version that is no longer stored", s.Replace(ctx, stale), apikey.ErrConflict, "it undoes a revocation that it has not seen")
	stale.Version = 3
	wantError(t, "Replace of a Version that is not stored yet", s.Replace(ctx, stale), apikey.ErrConflict, "Version is no proof of having read the record")
	wantRecord(t, "Replace that was refused changed the stored record", mustGet(t, s, stale.ID), revoked)
}

func replaceWithVersion0NeverWrites(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := record(1)
	wantError(t, "Replace with Version 0 of a record that is not there", s.Replace(ctx, r), apikey.ErrConflict, "Replace creates")
	wantGone(t, s, r.ID, "Replace with Version 0", "Replace creates")
	before := mustCreate(t, s, r)
	r.Subject = "user_2"
	wantError(t, "Replace with Version 0 of a record that is there", s.Replace(ctx, r), apikey.ErrConflict, "what an Issuer sends to have a record read again overwrites it")
	wantRecord(t, "Replace with Version 0 changed the stored record", mustGet(t, s, r.ID), before)
}

func replaceNeverCreates(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	const why = "a deleted key comes back to life"
	r := mustCreate(t, s, record(1))
	mustDelete(t, s, r.ID)
	wantError(t, "Replace of a deleted record", s.Replace(ctx, r), apikey.ErrConflict, why)
	wantGone(t, s, r.ID, "Replace of a deleted record", why)

	// The same, raced.
	for n := range 10 {
		r := mustCreate(t, s, record(10+n))
		errs := together(4, func(i int) error {
			if i == 0 {
				return s.Delete(ctx, r.ID)
			}
			return s.Replace(ctx, r)
		})
		if errs[0] != nil {
			t.Fatalf("Delete raced by Replace: %v", errs[0])
		}
		wantGone(t, s, r.ID, "Delete raced by Replace", why)
	}
	if all := list(t, s, apikey.Filter{}, 10); len(all) != 0 {
		t.Errorf("List returned %d records that were deleted", len(all))
	}
}

func deleteRemoves(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r, other := mustCreate(t, s, record(1)), mustCreate(t, s, record(2))
	mustUse(t, s, apikey.Use{ID: r.ID, Number: 1, At: at(9)})
	mustDelete(t, s, r.ID)
	wantGone(t, s, r.ID, "Delete", "a deleted key still works")
	wantError(t, "Delete of a deleted record", s.Delete(ctx, r.ID), apikey.ErrNotFound, "deleting twice can't be told from deleting once")
	wantRecord(t, "Delete changed another record", mustGet(t, s, other.ID), other)
	wantListed(t, s, apikey.Filter{}, other)
	wantListed(t, s, apikey.Filter{Subject: r.Subject}, other)

	// An import may bring it back; nothing of the old record does.
	r = record(1)
	got := mustCreate(t, s, r)
	r.Version = 1
	wantRecord(t, "Create of an id that was deleted", got, r)
}

func oneReplaceOfAVersionWins(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	for n := range 10 {
		r := mustCreate(t, s, record(n))
		names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
		errs := together(len(names), func(i int) error {
			mine := r.Clone()
			mine.Description = names[i]
			return s.Replace(ctx, mine)
		})
		winner := wantOneWinner(t, "Replace of one Version by 8 at once", errs, apikey.ErrConflict, "a revocation is overwritten by a change that has not seen it")
		got := mustGet(t, s, r.ID)
		if got.Version != 2 || got.Description != names[winner] {
			t.Fatalf("after Replace of one Version by 8 at once the record is Version %d of %q, want Version 2 of the winner, %q", got.Version, got.Description, names[winner])
		}
	}
}

func replacesAddUp(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	r := mustCreate(t, s, record(1))
	const writers, each = 4, 10
	errs := together(writers, func(int) error {
		for range each {
			for {
				r, err := s.Get(ctx, r.ID)
				if err != nil {
					return err
				}
				r.Description += "x"
				if err = s.Replace(ctx, r); err == nil {
					break
				}
				if !errors.Is(err, apikey.ErrConflict) {
					return err
				}
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("Get and Replace until it succeeds: %v", err)
	}
	got := mustGet(t, s, r.ID)
	if got.Version != 1+writers*each || len(got.Description) != writers*each {
		t.Errorf("after %d Replaces that succeeded the record has Version %d and %d of the changes: one was lost", writers*each, got.Version, len(got.Description))
	}
}
