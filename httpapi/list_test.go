package httpapi_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// page returns the names on a page and the count of all.
func (a api) page(t testing.TB, query string) (names []string, total int) {
	t.Helper()
	o := a.ok(t, 200, "GET", "/v1/api_keys?"+query, "")
	data, is := o["data"].([]any)
	if !is || len(o) != 2 {
		t.Fatalf("%v", o)
	}
	for _, key := range data {
		if key.(map[string]any)["secret"] != nil {
			t.Error("a secret in a list")
		}
		names = append(names, key.(map[string]any)["name"].(string))
	}
	return names, int(o["total_count"].(float64))
}

// Every page of every size, for numbers of keys around the bounds.
func TestPaging(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	made := 0
	for _, n := range []int{0, 1, 10, 11, 100, 101} {
		for ; made < n; made++ {
			a.created(t, fmt.Sprintf("key %03d", made))
		}
		var want []string // newest first
		for i := n - 1; i >= 0; i-- {
			want = append(want, fmt.Sprintf("key %03d", i))
		}
		for _, limit := range []int{1, 10, 33, 100} {
			var got []string
			for offset := 0; offset <= n+limit; offset += limit {
				names, total := a.page(t, fmt.Sprintf("subject=%s&limit=%d&offset=%d", subject, limit, offset))
				if total != n || len(names) != max(0, min(limit, n-offset)) {
					t.Errorf("%d keys, limit %d, offset %d: %d of %d", n, limit, offset, len(names), total)
				}
				got = append(got, names...)
			}
			if strings.Join(got, ",") != strings.Join(want, ",") {
				t.Errorf("%d keys, limit %d: %q", n, limit, got)
			}
		}
		if names, total := a.page(t, "subject="+subject); len(names) != min(10, n) || total != n {
			t.Errorf("%d keys: %d of %d by default", n, len(names), total)
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, nil, nil)
		for _, member := range []string{"", `,"type":"ci_key"`, `,"seconds_until_expiration":1`} {
			a.ok(t, 201, "POST", "/api_keys", `{"name":"100% Größe_`+fmt.Sprint(len(member))+`","subject":"`+subject+`"`+member+`}`)
		}
		revoked, _ := a.created(t, "revoked")
		a.ok(t, 200, "POST", "/api_keys/"+revoked+"/revoke", "")
		a.ok(t, 201, "POST", "/api_keys", `{"name":"another's","subject":"`+other+`"}`)
		time.Sleep(2 * time.Second) // in the bubble: the third is expired
		for query, want := range map[string]int{
			"":                                   1,
			"&include_invalid=false":             1,
			"&include_invalid=true":              3,
			"&type=api_key&include_invalid=true": 3,
			"&type=ci_key":                       1,
			"&type=nobodys":                      0,
			"&query=gr%C3%B6sse":                 0, // case is folded, letters are not
			"&query=GR%C3%96%C3%9FE":             1,
			"&query=%25":                         1,
			"&query=_&include_invalid=true":      2,
			"&query=":                            1,
			"&query=x":                           0,
			"&unheard_of=1&unheard_of=2":         1,
			"&limit=10.0&offset=0.0":             1,
			"&limit=1e2":                         1,
			"&offset=9007199254740992":           1,
			"&offset=-0":                         1,
		} {
			if _, total := a.page(t, "subject="+subject+query); total != want {
				t.Errorf("%s: %d; want %d", query, total, want)
			}
		}
	})
}

var badQueries = map[string]string{
	"":                                "subject",
	"subject=":                        "subject",
	"subject=nobody":                  "subject",
	"subject=" + subject + "%00":      "subject",
	"subject=%FF":                     "subject",
	"Subject=" + subject:              "subject",
	"subject=x&subject=" + subject:    "subject",
	"type=":                           "type",
	"type=ab":                         "type",
	"type=" + strings.Repeat("t", 26): "type",
	"type=abc&type=abc":               "type",
	"include_invalid=":                "include_invalid",
	"include_invalid=1":               "include_invalid",
	"include_invalid=TRUE":            "include_invalid",
	"include_invalid=true&include_invalid=true": "include_invalid",
	"limit=":                             "limit",
	"limit=0":                            "limit",
	"limit=-1":                           "limit",
	"limit=101":                          "limit",
	"limit=1.5":                          "limit",
	"limit=0.5e0":                        "limit",
	"limit=x":                            "limit",
	"limit=1x":                           "limit",
	"limit=%201":                         "limit",
	"limit=1%20":                         "limit",
	"limit=0x10":                         "limit",
	"limit=01":                           "limit",
	"limit=%D9%A1":                       "limit", // a digit elsewhere
	"limit=1e999999999":                  "limit",
	"limit=" + strings.Repeat("9", 5000): "limit",
	"limit=1&limit=1":                    "limit",
	"limit=null":                         "limit",
	"offset=-1":                          "offset",
	"offset=0.5":                         "offset",
	"offset=1e99999999999999999999":      "offset",
	"offset=9007199254740993":            "offset",
	"offset=[]":                          "offset",
	"query=%00":                          "query",
	"query=" + strings.Repeat("x", 256):  "query",
	"offset=1%20":                        "offset",
	"limit=x&offset=0":                   "limit",
	"query=a%0Ab":                        "query",
	"query=%C3":                          "query",
	"query=a&query=b":                    "query",
	"query=%":                            "",
	"query=%zz":                          "",
	"a;b":                                "",
}

// A page beyond the last costs no list, and one near the end no more than has to be skipped.
func TestOffsetBeyondTheEnd(t *testing.T) {
	t.Parallel()
	store := &listing{Store: memstore.New()}
	a := newAPI(t, nil, &apikeytest.Options{Store: store})
	for range 3 {
		a.create(t, subject)
	}
	for query, lists := range map[string]int{"&offset=3": 0, "&offset=9007199254740992": 0, "&offset=2": 1, "": 1} {
		store.lists = 0
		if a.page(t, "subject="+subject+query); store.lists != lists {
			t.Errorf("%s: %d lists; want %d", query, store.lists, lists)
		}
	}
	// What is created between the count and the list is counted with it.
	store.before = func() { store.before = nil; a.create(t, subject) }
	if names, total := a.page(t, "subject="+subject+"&offset=1"); len(names) != 3 || total != 4 {
		t.Errorf("%d keys of %d", len(names), total)
	}
}

// listing is a store that counts its lists.
type listing struct {
	apikey.Store
	lists  int
	before func()
}

func (l *listing) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	l.lists++
	if l.before != nil {
		l.before()
	}
	return l.Store.List(ctx, f, before, limit)
}

// Of keys that were made in one millisecond the order is that of their ids, newest first.
func TestTies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // in which the clock stands
		a := newAPI(t, nil, nil)
		for i := range 5 {
			a.created(t, fmt.Sprintf("key %d", i))
		}
		if names, _ := a.page(t, "subject="+subject); strings.Join(names, " ") != "key 4 key 3 key 2 key 1 key 0" {
			t.Errorf("%q", names)
		}
	})
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	for query, param := range badQueries {
		if param != "subject" {
			query = "subject=" + subject + "&" + query
		}
		if a.refused(t, 400, "bad_request", param, "GET", "/api_keys?"+query, ""); t.Failed() {
			t.Fatalf("%.100s", query)
		}
	}
	if names, total := a.page(t, "subject="+subject); len(names) != 0 || total != 0 {
		t.Errorf("%q, %d", names, total)
	}
}
