package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// scribble changes everything that can be reached from r.
func scribble(r *apikey.Record) {
	clear(r.Claims)
	clear(r.Scopes)
	for i := range r.Credentials {
		clear(r.Credentials[i].MAC)
		r.Credentials[i] = apikey.Credential{}
	}
	*r = apikey.Record{ID: r.ID}
}

// copiesIn changes what was handed to a store.
func copiesIn(t testing.TB, s apikey.Store) {
	const what = "a change to the record that %s was handed reached the store, which keeps nothing of it"
	r := filled(t, 1, false)
	want := r.Clone()
	want.Version = 1
	mustCreate(t, s, r)
	scribble(r)
	wantRecord(t, fmt.Sprintf(what, "Create"), mustGet(t, s, r.ID), want)

	r = want.Clone()
	r.Description = "changed"
	want = r.Clone()
	want.Version = 2
	mustReplace(t, s, r)
	scribble(r)
	wantRecord(t, fmt.Sprintf(what, "Replace"), mustGet(t, s, r.ID), want)
}

// copiesOut changes what a store returned.
func copiesOut(t testing.TB, s apikey.Store) {
	const what = "a change to a record that %s returned reached the store, or another caller; each has a copy of its own"
	r := filled(t, 1, false)
	want := r.Clone()
	want.Version = 1
	mustCreate(t, s, r)

	a, b := mustGet(t, s, r.ID), mustGet(t, s, r.ID)
	scribble(a)
	wantRecord(t, fmt.Sprintf(what, "Get"), b, want)
	wantRecord(t, fmt.Sprintf(what, "Get"), mustGet(t, s, r.ID), want)

	a, b = list(t, s, apikey.Filter{}, 10)[0], list(t, s, apikey.Filter{}, 10)[0]
	scribble(a)
	wantRecord(t, fmt.Sprintf(what, "List"), b, want)
	wantRecord(t, fmt.Sprintf(what, "List"), mustGet(t, s, r.ID), want)
}

// copiesLast keeps what a store returned over many later writes. What points into a page or
// a buffer of the store is overwritten by then, which few or small writes don't show: bbolt
// copies the small values of a small bucket, and those only.
func copiesLast(t testing.TB, s apikey.Store) {
	big := func(n, round int) *apikey.Record {
		r := record(n)
		r.Claims = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte{byte('a' + (n+round)%26)}, 2000))
		r.Scopes = []string{fmt.Sprintf("scope %d %d", n, round)}
		r.Credentials[0].MAC = bytes.Repeat([]byte{byte(n + round)}, 32)
		return r
	}
	const records = 24
	for n := range records {
		mustCreate(t, s, big(n, 0))
	}
	value := bytes.Repeat([]byte("a"), 2000)
	mustSwap(t, s, "v", nil, value)
	got := make([]*apikey.Record, records)
	for n := range got {
		got[n] = mustGet(t, s, id(n))
	}
	listed := list(t, s, apikey.Filter{}, 10)
	kept := mustValue(t, s, "v")

	for round := uint64(1); round <= 3; round++ {
		for n := range records {
			if n%3 == 0 && round == 3 {
				mustDelete(t, s, id(n))
				continue
			}
			r := big(n, int(round))
			r.Version = round
			if err := s.Replace(t.Context(), r); err != nil {
				t.Fatalf("Replace of the stored version: %v", err)
			}
		}
		next := bytes.Repeat([]byte{byte('a' + round)}, 2000)
		mustSwap(t, s, "v", value, next)
		value = next
	}
	for n := range records {
		want := big(n, 0)
		want.Version = 1
		wantRecord(t, "later writes changed a record that Get had returned", got[n], want)
		wantRecord(t, "later writes changed a record that List had returned", listed[records-1-n], want)
		if n%3 != 0 {
			want = big(n, 3)
			want.Version = 4
			wantRecord(t, "the last Replace", mustGet(t, s, id(n)), want)
		}
	}
	if !bytes.Equal(kept, bytes.Repeat([]byte("a"), 2000)) {
		t.Errorf("later writes changed a value that Value had returned")
	}
}
