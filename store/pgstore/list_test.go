package pgstore_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

const maxPage = 999 // one less than the records that one List looks at, of which the last says whether there are more

// walked goes through the pages of a list from an id on, and returns them. None may be longer than a limit, nor go back.
func walked(t *testing.T, s *pgstore.Store, f apikey.Filter, before apikey.ID, limit int) (pages [][]*apikey.Record) {
	t.Helper()
	for {
		page, next, err := s.List(t.Context(), f, before, limit)
		if err != nil {
			t.Fatalf("List(%+v): %v", f, err)
		}
		if len(page) > min(limit, maxPage) {
			t.Errorf("List(%+v) with limit %d returned %d records; else one call holds a whole table", f, limit, len(page))
		}
		pages = append(pages, page)
		if next.IsZero() {
			return pages
		}
		if !before.IsZero() && next.Compare(before) >= 0 {
			t.Fatalf("List(%+v) before %s goes on at %s; else a walk never ends", f, before, next)
		}
		before = next
	}
}

// Every shape of a filter selects what Filter.Match does, each record once, whatever the size of a page.
func TestListFilters(t *testing.T) {
	t.Parallel()
	const records = 2500
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	subjects, types := []string{"user_1", "user_2", "user_3", "USER_1", "rare"}, []string{"api_key", "service", "rare"}
	words := []string{"deploy", "backup", "DEPLOY", "de%loy", "dé", "日本", "rare"}
	pick := func(dice *rand.Rand, from []string) string { // the last one seldom
		if dice.IntN(1000) == 0 {
			return from[len(from)-1]
		}
		return from[dice.IntN(len(from)-1)]
	}
	all := fill(t, s, records, func(n int, r *apikey.Record) {
		dice := rand.New(rand.NewPCG(2, uint64(n)))
		r.Subject, r.Type = pick(dice, subjects), pick(dice, types)
		r.NameFold = pick(dice, words) + " " + pick(dice, words)
		if dice.IntN(3) == 0 {
			r.ExpiresAt = instant(dice.IntN(2 * records))
		}
		if dice.IntN(4) == 0 {
			r.RevokedAt = instant(n)
		}
	})
	slices.Reverse(all)
	dice := rand.New(rand.NewPCG(3, 0))
	for shape := range 32 {
		for range 3 {
			var f apikey.Filter
			var before apikey.ID
			if shape&1 != 0 {
				f.Subject = cmp.Or(pick(dice, subjects), "none")
			}
			if shape&2 != 0 {
				f.Type = pick(dice, types)
			}
			if shape&4 != 0 {
				f.NameFold = pick(dice, append(words, "", "y b", "%", "_", "none", "e"))
			}
			if shape&8 != 0 {
				f.ValidAt = instant(dice.IntN(2 * records)).Add(time.Duration(dice.IntN(2)))
			}
			if shape&16 != 0 {
				before = sampleID(dice.IntN(records))
			}
			var want []*apikey.Record
			total := 0
			for _, r := range all {
				if !f.Match(r) {
					continue
				}
				total++
				if before.IsZero() || r.ID.Compare(before) < 0 {
					want = append(want, r)
				}
			}
			limit := []int{7 + dice.IntN(90), 100 + dice.IntN(900), 1000, 1001, math.MaxInt}[dice.IntN(5)]
			got := slices.Concat(walked(t, s, f, before, limit)...)
			if !slices.EqualFunc(got, want, func(a, b *apikey.Record) bool { return a.ID == b.ID && a.NameFold == b.NameFold }) {
				t.Errorf("List(%+v) before %s in pages of %d: %d records, want the %d that Filter.Match selects, newest first, each once", f, before, limit, len(got), len(want))
			}
			if n, err := s.Count(t.Context(), f); n != total || err != nil {
				t.Errorf("Count(%+v) is %d, %v, want %d", f, n, err, total)
			}
		}
	}
	t.Run("pages", func(t *testing.T) { testPages(t, s, records) })
}

// testPages: a page ends at the limit, at what one call looks at, or with the list, and says which.
func testPages(t *testing.T, s *pgstore.Store, records int) {
	none := apikey.Filter{NameFold: "none at all"}
	for _, test := range []struct {
		f      apikey.Filter
		before apikey.ID
		limit  int
		want   []int // lengths
	}{
		{apikey.Filter{}, apikey.ID{}, 1001, []int{999, 999, 502}},
		{apikey.Filter{}, apikey.ID{}, math.MaxInt, []int{999, 999, 502}},
		{apikey.Filter{}, apikey.ID{}, 999, []int{999, 999, 502}},
		{apikey.Filter{}, sampleID(10), 4, []int{4, 4, 2}},
		{apikey.Filter{}, sampleID(10), 5, []int{5, 5}}, // the last page knows that it is
		{apikey.Filter{}, sampleID(10), 10, []int{10}},
		{apikey.Filter{}, sampleID(10), 9, []int{9, 1}},
		{apikey.Filter{}, sampleID(999), 1000, []int{999}},
		{apikey.Filter{}, sampleID(1000), 1000, []int{999, 1}},
		{apikey.Filter{}, sampleID(0), 10, []int{0}},
		{none, apikey.ID{}, 10, []int{0, 0, 0}}, // 2,500 are looked at, 1,000 by each call
		{none, sampleID(999), 10, []int{0}},
		{none, sampleID(1001), 10, []int{0, 0}},
	} {
		var got []int
		for _, page := range walked(t, s, test.f, test.before, test.limit) {
			got = append(got, len(page))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("of %d records, List(%+v) before %s with limit %d has pages of %d, want %d", records, test.f, test.before, test.limit, got, test.want)
		}
	}
	if _, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 0); err == nil {
		t.Error("control: a limit of 0 is taken")
	}
}

// A year that is none of PostgreSQL's makes no other filter.
func TestListValidAtTheEnds(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	all := fill(t, s, 2, func(n int, r *apikey.Record) {
		if n == 1 {
			r.ExpiresAt = instant(100)
		}
	})
	for _, at := range []time.Time{time.UnixMilli(0), time.UnixMilli(-1), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), instant(100), instant(100).Add(-1)} {
		f := apikey.Filter{ValidAt: at}
		want := 0
		for _, r := range all {
			if f.Match(r) {
				want++
			}
		}
		got := slices.Concat(walked(t, s, f, apikey.ID{}, 10)...)
		if len(got) != want {
			t.Error(fmt.Sprintf("valid at %v are %d", at, len(got)), "want", want)
		}
	}
}
