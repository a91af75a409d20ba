package apikey_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// newestFirst creates n keys and returns their ids as a list shows them.
func newestFirst(t testing.TB, i *apikey.Issuer, n int, p apikey.CreateParams) (all []string) {
	for range n {
		key, _ := newKey(t, i, p)
		all = append([]string{key.ID()}, all...)
	}
	return all
}

func TestListPages(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	if page, err := issuer.List(t.Context(), apikey.Query{}); err != nil || len(page.Keys) != 0 || page.Next != "" {
		t.Errorf("of nothing: %v, %v", page, err)
	}
	const n = 12
	newestFirst(t, issuer, 3, apikey.CreateParams{Subject: "another"})
	all := newestFirst(t, issuer, n, apikey.CreateParams{})
	newestFirst(t, issuer, 3, apikey.CreateParams{Subject: "another"})
	for limit := 1; limit <= n+1; limit++ {
		var got []string
		q := apikey.Query{Subject: "user_1", Limit: limit}
		for pages := 1; ; pages++ {
			page, err := issuer.List(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Keys) > limit || page.Next != "" && len(page.Keys) != limit {
				t.Errorf("limit %d: page %d has %d keys, next %q", limit, pages, len(page.Keys), page.Next)
			}
			for _, key := range page.Keys {
				got = append(got, key.ID())
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			if pages > n+1 {
				t.Fatalf("limit %d: there is no end", limit)
			}
		}
		wantSame(t, fmt.Sprintf("limit %d", limit), got, all)
		wantSame(t, fmt.Sprintf("Keys, limit %d", limit), ids(t, issuer, apikey.Query{Subject: "user_1", Limit: limit}), all)
	}
	for q, want := range map[apikey.Query]int{{}: n + 6, {Subject: "user_1"}: n, {Subject: "nobody"}: 0, {Type: "api_key"}: n + 6, {Type: "other"}: 0,
		{Subject: "user_1", Limit: 3, Cursor: "not looked at"}: n} {
		if got, err := issuer.Count(t.Context(), q); got != want || err != nil {
			t.Errorf("Count of %+v: %d, %v; want %d", q, got, err, want)
		}
	}
}

func TestListDefaultLimit(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	all := newestFirst(t, issuer, 501, apikey.CreateParams{})
	for limit, want := range map[int]int{0: 50, 500: 500} {
		if page, err := issuer.List(t.Context(), apikey.Query{Limit: limit}); err != nil || len(page.Keys) != want || page.Next == "" {
			t.Errorf("limit %d: %d keys, next %q, %v", limit, len(page.Keys), page.Next, err)
		}
	}
	wantSame(t, "Keys", ids(t, issuer, apikey.Query{}), all)
	wantSame(t, "Keys from a cursor on", ids(t, issuer, apikey.Query{Cursor: all[99][3:]}), all[100:])
}

func TestListValidation(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	newKey(t, issuer, apikey.CreateParams{})
	bad := map[string]apikey.Query{
		"Limit -1": {Limit: -1}, "Limit 501": {Limit: 501}, "Limit a lot": {Limit: math.MaxInt},
		"Subject long": {Subject: characters(256)}, "Type long": {Type: characters(26)}, "Name long": {Name: characters(256)},
	}
	for what, text := range badTexts {
		bad["Subject "+what], bad["Type "+what], bad["Name "+what] = apikey.Query{Subject: text}, apikey.Query{Type: text}, apikey.Query{Name: text}
	}
	for what, cursor := range map[string]string{
		"zero": strings.Repeat("0", 32), "upper case": strings.ToUpper(goldenID), "short": goldenID[1:], "long": goldenID + "0", "not hex": goldenID[1:] + "g",
		"an id": "ak_" + goldenID, "space": goldenID[1:] + " ", "newline": goldenID + "\n", "text": "next", "a million": strings.Repeat("0", 1e6), "a key": golden,
		"Unicode": goldenID[3:] + "\uff11",
	} {
		bad["Cursor "+what] = apikey.Query{Cursor: cursor}
	}
	for what, q := range bad {
		field, _, _ := strings.Cut(what, " ")
		page, err := issuer.List(t.Context(), q)
		wantInvalid(t, what, err, field)
		if page.Keys != nil || page.Next != "" {
			t.Errorf("%s: %v beside an error", what, page)
		}
		if len(q.Cursor) > 31 && len(q.Cursor) < 100 {
			wantNoLeak(t, what, q.Cursor, fmt.Sprint(err))
		}
		walked := 0
		for key, err := range issuer.Keys(t.Context(), q) {
			wantInvalid(t, "Keys, "+what, err, field)
			if walked++; key != nil {
				t.Errorf("%s: a key beside an error", what)
			}
		}
		if walked != 1 {
			t.Errorf("Keys, %s: went on %d times", what, walked)
		}
		if field != "Limit" && field != "Cursor" {
			_, err := issuer.Count(t.Context(), q)
			wantInvalid(t, "Count, "+what, err, field)
		}
	}
}

// What is not valid is not shown, unless it is asked for.
func TestListInvalid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
		var all, live []string
		for i := range 40 {
			p := apikey.CreateParams{}
			if i%4 == 1 {
				p.ExpiresIn = time.Second
			}
			key, _ := newKey(t, issuer, p)
			if i%4 == 2 {
				if _, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
					t.Fatal(err)
				}
			}
			all = append([]string{key.ID()}, all...)
			if i%4 == 0 || i%4 == 3 {
				live = append([]string{key.ID()}, live...)
			}
		}
		time.Sleep(time.Second)
		for _, limit := range []int{1, 3, 50} {
			wantSame(t, "valid ones", ids(t, issuer, apikey.Query{Limit: limit}), live)
			wantSame(t, "all", ids(t, issuer, apikey.Query{Limit: limit, IncludeInvalid: true}), all)
		}
		for q, want := range map[apikey.Query]int{{}: len(live), {IncludeInvalid: true}: len(all)} {
			if n, err := issuer.Count(t.Context(), q); n != want || err != nil {
				t.Errorf("Count of %+v: %d, %v; want %d", q, n, err, want)
			}
		}
	})
}

// A name is found by any part of it. Case does not matter, in whatever script, and % and _ are no wildcards.
func TestListByName(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	names := []string{"Prod Key", "prod \u212aey", "100% sure", "100 sure", "a_b", "aXb", "Stra\u00dfe", "STRASSE", "\u0130stanbul", "istanbul", "\u0131stanbul",
		"\u03a3\u03c3\u03c2", "\u0416\u0443\u043a", "d\u017eungla", "\u01c6ungla", "back\\slash", "sch\u00f6n"}
	for _, name := range names {
		newKey(t, issuer, apikey.CreateParams{Name: name})
	}
	for query, want := range map[string][]string{
		"KEY":                {"Prod Key", "prod \u212aey"}, // the Kelvin sign is a k
		"\u212aEY":           {"Prod Key", "prod \u212aey"},
		"od k":               {"Prod Key", "prod \u212aey"},
		"%":                  {"100% sure"},
		"100%":               {"100% sure"},
		"_":                  {"a_b"},
		"a_b":                {"a_b"},
		"A_B":                {"a_b"},
		"axB":                {"aXb"},
		"\\":                 {"back\\slash"},
		"STRA\u1e9eE":        {"Stra\u00dfe"}, // one character for one: a capital sharp s is one, and SS are two
		"strasse":            {"STRASSE"},
		"\u00df":             {"Stra\u00dfe"},
		"\u0130":             {"\u0130stanbul"}, // a dotted capital I is the capital of no i but the Turkish
		"i":                  {"istanbul"},
		"\u0131":             {"\u0131stanbul"}, // nor a dotless i the small one of I
		"\u03c2\u03a3":       {"\u03a3\u03c3\u03c2"},
		"\u0416\u0423\u041a": {"\u0416\u0443\u043a"},
		"\u01c4":             {"\u01c6ungla"}, // one character, not d and z
		"\u01c5":             {"\u01c6ungla"},
		"SCH\u00d6N":         {"sch\u00f6n"},
		"scho":               nil,
		"*":                  nil,
		".":                  nil,
	} {
		var got []string
		for key, err := range issuer.Keys(t.Context(), apikey.Query{Name: query}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append([]string{key.Name()}, got...)
		}
		wantSame(t, query, got, want)
		if n, err := issuer.Count(t.Context(), apikey.Query{Name: query}); n != len(want) || err != nil {
			t.Errorf("%s: counted %d, %v", query, n, err)
		}
	}
	for _, name := range names {
		for _, query := range []string{name, strings.ToUpper(name), strings.ToLower(name)} {
			if slices.Contains([]string{"\u0130stanbul", "\u0131stanbul", "Stra\u00dfe"}, name) && query != name {
				continue // upper and lower case are more than folding there
			}
			if n, err := issuer.Count(t.Context(), apikey.Query{Name: query}); n == 0 || err != nil {
				t.Errorf("%q is not found by %q: %v", name, query, err)
			}
		}
	}
}
