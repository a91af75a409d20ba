package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// listFilters tries every combination of filter fields on records of every combination of
// what they select by.
func listFilters(t testing.TB, s apikey.Store) {
	subjects, types, folds := []string{"user_1", "user_2"}, []string{"api_key", "service"}, []string{"deploy key", "backup"}
	expiries := []time.Time{{}, at(100), at(200)}
	var all []*apikey.Record
	for n := range 2 * 2 * 2 * len(expiries) {
		r := record(n)
		r.Subject, r.Type, r.NameFold = subjects[n%2], types[n/2%2], folds[n/4%2]
		r.ExpiresAt = expiries[n/8]
		if n%5 == 0 {
			r.RevokedAt = at(50)
		}
		all = append([]*apikey.Record{mustCreate(t, s, r)}, all...)
	}
	for _, subject := range append(subjects, "", "user_3") {
		for _, typ := range append(types, "", "session") {
			for _, fold := range []string{"", "oy k", "k", "restore"} {
				for _, valid := range []time.Time{{}, at(100), at(300)} {
					f := apikey.Filter{Subject: subject, Type: typ, NameFold: fold, ValidAt: valid}
					wantSelected(t, s, f, all)
				}
			}
		}
	}
}

// wantSelected compares with what Match says.
func wantSelected(t testing.TB, s apikey.Store, f apikey.Filter, all []*apikey.Record) {
	t.Helper()
	var want []*apikey.Record
	for _, r := range all {
		if f.Match(r) {
			want = append(want, r)
		}
	}
	if got := list(t, s, f, 5); !slices.Equal(names(got), names(want)) {
		t.Errorf("List(%s) returned %q, want what Filter.Match selects, %q", filter(f), names(got), names(want))
	}
	if n, err := s.Count(t.Context(), f); n != len(want) || err != nil {
		t.Errorf("Count(%s) answered (%d, %v), want %d as List does", filter(f), n, err, len(want))
	}
}

func listValidAt(t testing.TB, s apikey.Store) {
	r := record(1)
	r.ExpiresAt = at(100)
	r = mustCreate(t, s, r)
	wantListed(t, s, apikey.Filter{ValidAt: at(100).Add(-time.Millisecond)}, r)
	wantListed(t, s, apikey.Filter{ValidAt: at(100)}) // expired from this millisecond on
	wantListed(t, s, apikey.Filter{ValidAt: at(100).Add(time.Millisecond)})
	wantListed(t, s, apikey.Filter{}, r)
	// The caller's clock counts, in whatever zone it shows, and not the store's.
	wantListed(t, s, apikey.Filter{ValidAt: at(99).In(time.FixedZone("", 5*60*60))}, r)
	wantListed(t, s, apikey.Filter{ValidAt: at(101).In(time.FixedZone("", -5*60*60))})

	r.RevokedAt = at(1000)
	r = mustReplace(t, s, r)
	wantListed(t, s, apikey.Filter{ValidAt: at(50)}) // revoked is final, whatever the clocks say
	wantListed(t, s, apikey.Filter{}, r)
}

// listTextIsLiteral has texts that mean something else to SQL, to a pattern, to a collation
// or to a key made of several parts.
func listTextIsLiteral(t testing.TB, s apikey.Store) {
	texts := []string{
		"a", "ab", "abc", "A", "a ", " a", "b",
		"user_1", "userX1", "user%1", "user", "%", "_", "%%", "a%", `\`, `\\`, `\%`, `a\`,
		`'`, `''`, `"`, "`", `a' or '1'='1`, "a;--", "$1", "?", "*", "[a]", "(", ".", ".*", "a/b", "a:b", "a|b", "/", "..",
		"é", "e\u0301", "ß", "ss", "İ", "ı", "K", "\u212a", "日本", "\U0001f511", "\ufffd", "null", "0", "-",
	}
	var all []*apikey.Record
	for n, text := range texts {
		r := record(n)
		r.Subject, r.Type, r.Name, r.NameFold = text, text, text, text
		all = append([]*apikey.Record{mustCreate(t, s, r)}, all...)
	}
	for n, text := range texts {
		one := all[len(all)-1-n]
		wantListed(t, s, apikey.Filter{Subject: text}, one)
		wantListed(t, s, apikey.Filter{Type: text}, one)
		wantSelected(t, s, apikey.Filter{NameFold: text}, all)
	}
}

func listFollowsReplace(t testing.TB, s apikey.Store) {
	var rs []*apikey.Record
	for n := range 3 {
		rs = append(rs, mustCreate(t, s, record(n)))
	}
	moved := rs[1]
	moved.Subject, moved.Type, moved.NameFold, moved.ExpiresAt = "user_2", "service", "other", at(100)
	moved = mustReplace(t, s, moved)
	wantListed(t, s, apikey.Filter{Subject: "user_2"}, moved)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, rs[2], rs[0]) // or the former owner still sees the key
	wantListed(t, s, apikey.Filter{Type: "service"}, moved)
	wantListed(t, s, apikey.Filter{Type: "api_key"}, rs[2], rs[0])
	wantListed(t, s, apikey.Filter{NameFold: "other"}, moved)
	wantListed(t, s, apikey.Filter{NameFold: "key"}, rs[2], rs[0])
	wantListed(t, s, apikey.Filter{ValidAt: at(100)}, rs[2], rs[0])

	moved.Subject = "user_1"
	moved = mustReplace(t, s, moved)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, rs[2], moved, rs[0])
	wantListed(t, s, apikey.Filter{Subject: "user_2"})
	mustUse(t, s, apikey.Use{ID: moved.ID, Number: 1, At: at(500)})
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, rs[2], mustGet(t, s, moved.ID), rs[0])
	mustDelete(t, s, moved.ID)
	wantListed(t, s, apikey.Filter{Subject: "user_1"}, rs[2], rs[0])
}
