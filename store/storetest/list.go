package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// walk lists all pages from before on and returns the records in the order they came. With
// next set it calls between, unless that is nil.
func walk(t testing.TB, s apikey.Store, f apikey.Filter, before apikey.ID, limit int, between func(next apikey.ID)) []*apikey.Record {
	t.Helper()
	var all []*apikey.Record
	for {
		page, next, err := s.List(t.Context(), f, before, limit)
		if err != nil {
			t.Fatalf("List(%s) before %s: %v", filter(f), before, err)
		}
		if len(page) > limit {
			t.Fatalf("List with limit %d returned %d records; else one call takes the memory of many", limit, len(page))
		}
		last := before
		for _, r := range page {
			if !last.IsZero() && r.ID.Compare(last) >= 0 {
				t.Fatalf("List before %s returned %s after %s: ids must descend from below before, or a record is seen twice", before, r.ID, last)
			}
			if !f.Match(r) {
				t.Fatalf("List(%s) returned %s, which the filter does not match", filter(f), r.Name)
			}
			last = r.ID
		}
		all = append(all, page...)
		if next.IsZero() {
			return all
		}
		if !before.IsZero() && next.Compare(before) >= 0 {
			t.Fatalf("List before %s returned %s as next, which is not below: the walk would never end", before, next)
		}
		if !last.IsZero() && next.Compare(last) > 0 {
			t.Fatalf("List returned records to %s and next %s above it: the next page would show them again", last, next)
		}
		before = next
		if between != nil {
			between(next)
		}
	}
}

func list(t testing.TB, s apikey.Store, f apikey.Filter, limit int) []*apikey.Record {
	t.Helper()
	return walk(t, s, f, apikey.ID{}, limit, nil)
}

// wantListed fails t unless f selects exactly want, in this order, however it is paged, and
// Count agrees.
func wantListed(t testing.TB, s apikey.Store, f apikey.Filter, want ...*apikey.Record) {
	t.Helper()
	for _, limit := range []int{1, 2, 1000} {
		got := list(t, s, f, limit)
		if !slices.EqualFunc(got, want, func(a, b *apikey.Record) bool { return a.ID == b.ID }) {
			t.Errorf("List(%s) with limit %d returned %q, want %q", filter(f), limit, names(got), names(want))
			continue
		}
		for i := range want {
			wantRecord(t, "List", got[i], want[i])
		}
	}
	if n, err := s.Count(t.Context(), f); n != len(want) || err != nil {
		t.Errorf("Count(%s) answered (%d, %v), want %d as List does", filter(f), n, err, len(want))
	}
}

// filter returns f as text, without what it does not select by.
func filter(f apikey.Filter) string {
	text := fmt.Sprintf("Subject %q, Type %q, NameFold %q, ValidAt %v", f.Subject, f.Type, f.NameFold, f.ValidAt)
	for _, none := range []string{`Subject "", `, `Type "", `, `NameFold "", `, fmt.Sprint("ValidAt ", time.Time{})} {
		text = strings.Replace(text, none, "", 1)
	}
	return cmp.Or(strings.TrimSuffix(text, ", "), "all")
}

func names(rs []*apikey.Record) (names []string) {
	for _, r := range rs {
		names = append(names, r.Name)
	}
	return names
}

func listNewestFirst(t testing.TB, s apikey.Store) {
	want := make([]*apikey.Record, 7)
	for _, n := range []int{3, 1, 5, 0, 6, 4, 2} {
		want[6-n] = mustCreate(t, s, record(n))
	}
	wantListed(t, s, apikey.Filter{}, want...)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, want...)
}

// listSortsBytes has ids that differ at one byte each: signed bytes, words of the wrong end
// first and the collation of text would each sort them otherwise.
func listSortsBytes(t testing.TB, s apikey.Store) {
	var want []*apikey.Record
	for i := range len(apikey.ID{}) {
		for _, b := range []byte{0x00, 0x01, 0x7f, 0x80, 0xff} {
			r := record(1)
			r.ID = apikey.ID(bytes.Repeat([]byte{0x42}, len(r.ID)))
			r.ID[i] = b
			r.Name = r.ID.String()
			want = append(want, mustCreate(t, s, r))
		}
	}
	slices.SortFunc(want, func(a, b *apikey.Record) int { return b.ID.Compare(a.ID) })
	wantListed(t, s, apikey.Filter{}, want...)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, want...)
}

func listLimits(t testing.TB, s apikey.Store) {
	mustCreate(t, s, record(1))
	for _, limit := range []int{0, -1} {
		if page, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, limit); err == nil {
			t.Errorf("List with limit %d returned %d records and no error: a caller's mistake must not look like the end", limit, len(page))
		}
	}
	if all := list(t, s, apikey.Filter{}, math.MaxInt); len(all) != 1 {
		t.Errorf("List with the highest limit there is returned %d records, want 1", len(all))
	}
}

func listBefore(t testing.TB, s apikey.Store) {
	var all []*apikey.Record
	for _, n := range []int{50, 40, 30, 20, 10} {
		all = append(all, mustCreate(t, s, record(n)))
	}
	for _, test := range []struct {
		what   string
		before apikey.ID
		want   []*apikey.Record
	}{
		{"above all", id(60), all},
		{"of the newest", id(50), all[1:]},
		{"of one in between", id(30), all[3:]},
		{"of no record", id(35), all[2:]},
		{"of the oldest", id(10), nil},
		{"below all", id(1), nil},
	} {
		for _, f := range []apikey.Filter{{}, {Subject: "user_1"}} {
			got := walk(t, s, f, test.before, 10, nil)
			if !slices.Equal(names(got), names(test.want)) {
				t.Errorf("List(%s) before an id %s returned %q, want those with an ID below it, %q", filter(f), test.what, names(got), names(test.want))
			}
		}
	}
}
