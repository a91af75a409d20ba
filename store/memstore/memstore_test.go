package memstore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

func open(t *testing.T) apikey.Store {
	s := memstore.New()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestStore(t *testing.T)     { storetest.Run(t, open) }
func TestWatcher(t *testing.T)   { storetest.RunWatcher(t, open) }
func TestChangeLog(t *testing.T) { storetest.RunChangeLog(t, open) }

func id(n int) (id apikey.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

func record(n, subjects int) *apikey.Record {
	return &apikey.Record{
		ID:          id(n),
		Subject:     fmt.Sprint("user_", n%subjects),
		CreatedAt:   time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC),
		Credentials: []apikey.Credential{{Number: 1, Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", MAC: make([]byte, 32)}},
	}
}

func fill(tb testing.TB, records, subjects int) *memstore.Store {
	tb.Helper()
	s := memstore.New()
	for n := range records {
		if err := s.Create(tb.Context(), record(n, subjects)); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

func list(tb testing.TB, s *memstore.Store, f apikey.Filter) (ids []apikey.ID, pages int) {
	tb.Helper()
	for before := (apikey.ID{}); ; {
		page, next, err := s.List(tb.Context(), f, before, 500)
		if err != nil {
			tb.Fatal(err)
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		pages++
		if before = next; next.IsZero() {
			return ids, pages
		}
	}
}

// Many records, made and deleted in any order, are listed in theirs.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	const records, subjects = 5000, 3
	for _, order := range []string{"ascending", "descending", "random"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			ns := rand.Perm(records)
			switch order {
			case "ascending":
				slices.Sort(ns)
			case "descending":
				slices.SortFunc(ns, func(a, b int) int { return b - a })
			}
			s := memstore.New()
			for _, n := range ns {
				if err := s.Create(t.Context(), record(n, subjects)); err != nil {
					t.Fatal(err)
				}
			}
			there := make([]bool, records)
			for n := range there {
				there[n] = true
			}
			check := func() {
				t.Helper()
				var want, wantOf []apikey.ID
				for n := records - 1; n >= 0; n-- {
					if there[n] {
						want = append(want, id(n))
						if n%subjects == 1 {
							wantOf = append(wantOf, id(n))
						}
					}
				}
				if got, _ := list(t, s, apikey.Filter{}); !slices.Equal(got, want) {
					t.Fatalf("List returned %d records, want %d, newest first", len(got), len(want))
				}
				if got, _ := list(t, s, apikey.Filter{Subject: "user_1"}); !slices.Equal(got, wantOf) {
					t.Fatalf("List of a subject returned %d records, want %d, newest first", len(got), len(wantOf))
				}
				if n, err := s.Count(t.Context(), apikey.Filter{Subject: "user_1"}); n != len(wantOf) || err != nil {
					t.Fatalf("Count of a subject is (%d, %v), want %d", n, err, len(wantOf))
				}
			}
			check()
			for i, n := range rand.Perm(records) {
				if err := s.Delete(t.Context(), id(n)); err != nil {
					t.Fatal(err)
				}
				there[n] = false
				if i%1000 == 999 {
					check()
				}
				if i%10 == 0 { // some come back
					if err := s.Create(t.Context(), record(n, subjects)); err != nil {
						t.Fatal(err)
					}
					there[n] = true
				}
			}
			check()
		})
	}
}

// One call looks at a bounded number of records, however few match.
func TestListIsBounded(t *testing.T) {
	t.Parallel()
	s := fill(t, 5000, 1)
	rare := record(17, 1)
	rare.Version, rare.Type = 1, "rare"
	if err := s.Replace(t.Context(), rare); err != nil {
		t.Fatal(err)
	}
	page, next, err := s.List(t.Context(), apikey.Filter{Type: "rare"}, apikey.ID{}, 1)
	if len(page) != 0 || next.IsZero() || err != nil {
		t.Errorf("List of a rare match returned (%d records, next %s, %v) at once, want an empty page and next", len(page), next, err)
	}
	if got, pages := list(t, s, apikey.Filter{Type: "rare"}); !slices.Equal(got, []apikey.ID{id(17)}) || pages > 5 {
		t.Errorf("List found %d records of 1, in %d pages, want at most 5", len(got), pages)
	}
	page, next, err = s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 1<<30)
	if len(page) == 0 || len(page) > 1000 || next.IsZero() || err != nil {
		t.Errorf("List without a limit to speak of returned (%d records, next %s, %v), want at most 1000, and next", len(page), next, err)
	}
}

// What has no encoding no other store can keep, so it is refused, and with no effect.
func TestRefusesWhatHasNoEncoding(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	local := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	for name, bad := range map[string]time.Time{
		"not UTC":                   local,
		"not in whole milliseconds": local.UTC().Add(time.Microsecond),
		"1999":                      time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC),
		"2262":                      time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			s := memstore.New()
			r := record(1, 1)
			r.ExpiresAt = bad
			if err := s.Create(ctx, r); err == nil {
				t.Error("Create answered no error")
			}
			if n, err := s.Count(ctx, apikey.Filter{}); n != 0 || err != nil {
				t.Errorf("Count is (%d, %v), want 0", n, err)
			}
			r.ExpiresAt = time.Time{}
			if err := s.Create(ctx, r); err != nil {
				t.Fatal(err)
			}
			r.Version, r.RevokedAt = 1, bad
			if err := s.Replace(ctx, r); err == nil {
				t.Error("Replace answered no error")
			}
			if bad.Year() != 1999 { // which moves nothing forward once the key was used
				good := local.UTC().Add(-time.Hour)
				if err := s.RecordUse(ctx, []apikey.Use{{ID: r.ID, Number: 1, At: good}, {ID: r.ID, Number: 1, At: bad}}); err == nil {
					t.Error("RecordUse answered no error")
				}
			}
			got, err := s.Get(ctx, r.ID)
			if err != nil || got.Version != 1 || !got.RevokedAt.IsZero() || !got.LastUsedAt.IsZero() {
				t.Errorf("Get returned (%+v, %v), want the record as it was created", got, err)
			}
		})
	}
}

// An ID and a name are needed, here as in the other stores. No error of package apikey says so.
func TestRefusesNoIDAndNoName(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := memstore.New()
	r := record(1, 1)
	r.ID = apikey.ID{}
	if err := s.Create(ctx, r); err == nil || !strings.Contains(err.Error(), "no id") {
		t.Errorf("Create without an ID answered %v, want an error that says so", err)
	}
	if n, err := s.Count(ctx, apikey.Filter{}); n != 0 || err != nil {
		t.Errorf("Count is (%d, %v), want 0", n, err)
	}
	for _, new := range [][]byte{[]byte("a"), {}, nil} {
		if err := s.SwapValue(ctx, "", nil, new); err == nil || !strings.Contains(err.Error(), "name") {
			t.Errorf("SwapValue to %q without a name answered %v, want an error that says so", new, err)
		}
	}
	if v, err := s.Value(ctx, ""); v != nil || err != nil {
		t.Errorf("Value without a name returned (%q, %v), want none", v, err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := memstore.New()
	var told []apikey.Change
	stop := s.Watch(func(c apikey.Change) { told = append(told, c) })
	defer stop()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if len(told) == 0 || told[0] != (apikey.Change{Gap: true}) {
		t.Errorf("at Close a watcher was told %+v, want a Gap", told)
	}
	if _, err := s.Get(t.Context(), id(1)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Get after Close answered %v, want an error that says closed", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Get(ended, id(1)); err != context.Canceled {
		t.Errorf("Get after Close with a context that is done answered %v, want the context's error", err)
	}
}
