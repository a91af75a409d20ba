package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// rotated returns the n-th record with the credentials 3, 2 and 1.
func rotated(n int) *apikey.Record {
	r := record(n)
	for number := uint16(2); number <= 3; number++ {
		c := r.Credentials[0]
		c.Number = number
		r.Credentials = append([]apikey.Credential{c}, r.Credentials...)
	}
	return r
}

// wantUsed fails t unless the last-used times of r are these: of the record, then of its
// credentials from number 1 on, in seconds; 0: never.
func wantUsed(t testing.TB, after string, r *apikey.Record, want ...int) {
	t.Helper()
	used := []time.Time{r.LastUsedAt}
	for _, c := range slices.Backward(r.Credentials) {
		used = append(used, c.LastUsedAt)
	}
	var got []int
	for _, u := range used {
		if u.IsZero() {
			got = append(got, 0)
		} else {
			got = append(got, int(u.Sub(epoch)/time.Second))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("after %s the record and its credentials, from number 1, were last used at %v s, want %v", after, got, want)
	}
}

func useMovesForward(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, rotated(1))
	other := mustCreate(t, s, rotated(2))
	for _, step := range []struct {
		number uint16
		at     int
		want   []int
	}{
		{2, 10, []int{10, 0, 10, 0}},
		{1, 20, []int{20, 20, 10, 0}},
		{1, 15, []int{20, 20, 10, 0}}, // only forward: another process was later
		{2, 15, []int{20, 20, 15, 0}}, // each credential has its own
		{3, 20, []int{20, 20, 15, 20}},
		{3, 30, []int{30, 20, 15, 30}},
		{3, 30, []int{30, 20, 15, 30}},
	} {
		mustUse(t, s, apikey.Use{ID: r.ID, Number: step.number, At: at(step.at)})
		wantUsed(t, fmt.Sprintf("RecordUse of number %d at %d s", step.number, step.at), mustGet(t, s, r.ID), step.want...)
	}
	// A millisecond is seen.
	mustUse(t, s, apikey.Use{ID: r.ID, Number: 3, At: at(30).Add(time.Millisecond)})
	if got := mustGet(t, s, r.ID).LastUsedAt; !got.Equal(at(30).Add(time.Millisecond)) {
		t.Errorf("RecordUse one millisecond later stored %v, want %v", got, at(30).Add(time.Millisecond))
	}
	wantRecord(t, "RecordUse changed another record", mustGet(t, s, other.ID), other)
}

// useSkipsUnknown: what is unknown is skipped and the rest of the batch is done.
func useSkipsUnknown(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, rotated(1))
	deleted := mustCreate(t, s, rotated(2))
	mustDelete(t, s, deleted.ID)
	mustUse(t, s)
	mustUse(t, s,
		apikey.Use{ID: id(50), Number: 1, At: at(60)},
		apikey.Use{ID: deleted.ID, Number: 1, At: at(61)},
		apikey.Use{ID: r.ID, Number: 9, At: at(62)},
		apikey.Use{ID: r.ID, Number: 0, At: at(63)},
		apikey.Use{ID: r.ID, Number: 1, At: at(10)},
	)
	wantUsed(t, "a batch with ids and numbers that are not there", mustGet(t, s, r.ID), 10, 10, 0, 0)
	wantGone(t, s, deleted.ID, "RecordUse of a deleted record", "a use brings a deleted key back to life")
	wantGone(t, s, id(50), "RecordUse of a record that never was", "a use makes a key")
}

// useInBatches: one batch has many uses, some of the same credential, in any order.
func useInBatches(t testing.TB, s apikey.Store) {
	var rs []*apikey.Record
	for n := range 20 {
		rs = append(rs, mustCreate(t, s, rotated(n)))
	}
	var uses []apikey.Use
	for i := range 5000 {
		r := rs[i%len(rs)]
		uses = append(uses, apikey.Use{ID: r.ID, Number: uint16(1 + i/len(rs)%2), At: at(1 + i*7919%5000)})
	}
	want := make([]*apikey.Record, len(rs))
	for i, r := range rs {
		want[i] = r.Clone()
		for _, u := range uses {
			u.Apply(want[i])
		}
	}
	handed := slices.Clone(uses)
	mustUse(t, s, handed...)
	if !slices.Equal(handed, uses) {
		t.Errorf("RecordUse changed the batch it was handed; a store changes nothing that it is handed")
	}
	for i, r := range rs {
		wantRecord(t, "RecordUse of 5000 at once", mustGet(t, s, r.ID), want[i])
	}
}

func useIsNoVersion(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, filled(t, 1, false))
	before := r.Clone()
	used := max(r.LastUsedAt.Unix(), r.Credentials[0].LastUsedAt.Unix()) + 1
	u := apikey.Use{ID: r.ID, Number: r.Credentials[0].Number, At: time.Unix(used, 5e6).UTC()}
	mustUse(t, s, u)
	after := mustGet(t, s, r.ID)
	if after.Version != before.Version {
		t.Errorf("RecordUse made Version %d of %d; else each use makes a revocation answer ErrConflict", after.Version, before.Version)
	}
	u.Apply(before)
	wantRecord(t, "RecordUse changed more than last-used times", after, before)
	r.Description = "changed"
	wantError(t, "Replace of a record read before RecordUse", s.Replace(t.Context(), r), nil, "a revocation waits for a pause in the traffic")
}

func useSurvivesReplace(t testing.TB, s apikey.Store) {
	r := mustCreate(t, s, rotated(1))
	mustUse(t, s, apikey.Use{ID: r.ID, Number: 2, At: at(20)}, apikey.Use{ID: r.ID, Number: 1, At: at(30)})

	r.Description = "read before the uses"
	r = mustReplace(t, s, r)
	wantUsed(t, "a Replace that was read before them", r, 30, 30, 20, 0)

	// Replace invents no use and takes none back.
	r.LastUsedAt = at(99)
	r.Credentials[0].LastUsedAt = at(99)
	r.Credentials[1].LastUsedAt = time.Time{}
	r.Credentials[2].LastUsedAt = at(1)
	handed := r.Clone()
	got := mustReplace(t, s, r)
	wantUsed(t, "a Replace with other times", got, 30, 30, 20, 0)
	wantRecord(t, "Replace changed the record it was handed", r, handed)

	// A rotation: number 4 comes, number 1 goes.
	r = got
	c := r.Credentials[0]
	c.Number, c.LastUsedAt = 4, at(99)
	r.Credentials = []apikey.Credential{c, r.Credentials[0], r.Credentials[1]}
	r = mustReplace(t, s, r)
	wantUsed(t, "a Replace that rotated (from number 2)", r, 30, 20, 0, 0)
	mustUse(t, s, apikey.Use{ID: r.ID, Number: 1, At: at(90)})
	wantUsed(t, "a use of a number that is gone (from number 2)", mustGet(t, s, r.ID), 30, 20, 0, 0)
}

// useNeverRevives races uses with deletes and revocations.
func useNeverRevives(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	const why = "a use brings a key back to life"
	for round := range 10 {
		deleted, revoked := mustCreate(t, s, record(10*round)), mustCreate(t, s, record(10*round+1))
		revocation := revoked.Clone()
		revocation.RevokedAt = at(50)
		errs := together(4, func(i int) error {
			switch i {
			case 0:
				return s.Delete(ctx, deleted.ID)
			case 1:
				return s.Replace(ctx, revocation)
			}
			var err error
			for n := range 5 {
				u := at(100*n + i)
				err = errors.Join(err, s.RecordUse(ctx, []apikey.Use{{ID: deleted.ID, Number: 1, At: u}, {ID: revoked.ID, Number: 1, At: u}}))
			}
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("Delete, Replace and RecordUse at once: %v", err)
		}
		wantGone(t, s, deleted.ID, "Delete raced by RecordUse", why)
		got := mustGet(t, s, revoked.ID)
		if got.RevokedAt.IsZero() || got.Version != 2 {
			t.Fatalf("after Replace raced by RecordUse the record is Version %d, revoked at %v, want Version 2, revoked; else %s", got.Version, got.RevokedAt, why)
		}
		wantUsed(t, "Replace raced by RecordUse", got, 403, 403)
	}
}
