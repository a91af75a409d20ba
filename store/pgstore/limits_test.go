package pgstore_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// What the tables can't hold is an error of the call, and no row and no change comes of it.
func TestWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	stored := put(t, s, 1, nil)
	noise := make([]byte, 9000)
	rand.NewChaCha8([32]byte{1}).Read(noise) // not to be compressed
	for name, change := range map[string]func(r *apikey.Record){
		"NUL in the subject":             func(r *apikey.Record) { r.Subject = "user\x00" },
		"NUL in the type":                func(r *apikey.Record) { r.Type = "\x00" },
		"NUL in the name":                func(r *apikey.Record) { r.NameFold = "a\x00b" },
		"a subject that is no UTF-8":     func(r *apikey.Record) { r.Subject = "user\xff" },
		"a type that is no UTF-8":        func(r *apikey.Record) { r.Type = "\xc3\x28" },
		"a name that is no UTF-8":        func(r *apikey.Record) { r.NameFold = "\xed\xa0\x80" },
		"a unique key that is too long":  func(r *apikey.Record) { r.UniqueKey = string(noise) },
		"a subject that is too long":     func(r *apikey.Record) { r.Subject = strings.ToValidUTF8(string(noise), "?") },
		"a time of less than 1 ms":       func(r *apikey.Record) { r.ExpiresAt = instant(1).Add(1) },
		"a time that is not UTC":         func(r *apikey.Record) { r.RevokedAt = instant(1).In(time.FixedZone("", 3600)) },
		"a last use of less than 1 ms":   func(r *apikey.Record) { r.LastUsedAt = instant(1).Add(1) },
		"a secret's last use before UTC": func(r *apikey.Record) { r.Credentials[0].LastUsedAt = time.Unix(-1, 0).UTC() },
	} {
		r := sample(2)
		change(r)
		wantFault(t, "Create with "+name, s.Create(t.Context(), r), "")
		r = stored.Clone()
		change(r)
		wantFault(t, "Replace with "+name, s.Replace(t.Context(), r), "")
	}
	r := sample(2)
	r.ID = apikey.ID{}
	wantFault(t, "Create without an id", s.Create(t.Context(), r), "no id")
	if n, err := s.Count(t.Context(), apikey.Filter{}); n != 1 || err != nil {
		t.Errorf("there are %d keys, %v, want the one of before", n, err)
	}
	if got, err := s.Get(t.Context(), stored.ID); err != nil || got.Version != 1 || got.Subject != stored.Subject {
		t.Errorf("it is %+v, %v", got, err)
	}
	if n := ask[int](t, dsn, "SELECT count(*) - 1 FROM "+schema+".apikey_changes"); n != 0 {
		t.Errorf("the log has %d changes that were none", n)
	}
	// Control: what is long, but not too long.
	put(t, s, 3, func(r *apikey.Record) { r.UniqueKey, r.Subject = string(noise[:2000]), strings.Repeat("é", 600) })
}

// A filter may hold what no record can: nothing matches, or it is an error, and never the wrong records.
func TestFiltersOfWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	put(t, s, 1, nil)
	for _, text := range []string{"\x00", "user_1\x00", "\xff", "user_1\xff"} {
		for _, f := range []apikey.Filter{{Subject: text}, {Type: text}, {NameFold: text}} {
			if page, _, err := s.List(t.Context(), f, apikey.ID{}, 10); len(page) > 0 || errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("List(%+v) returns %d records, %v", f, len(page), err)
			}
			if n, err := s.Count(t.Context(), f); n != 0 {
				t.Errorf("Count(%+v) is %d, %v", f, n, err)
			}
		}
	}
}

func TestValueNames(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	noise := make([]byte, 2001)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	wantFault(t, "a name of 2,001 bytes", s.SwapValue(t.Context(), string(noise), nil, []byte("v")), "at most 2000 bytes")
	wantFault(t, "a name of none", s.SwapValue(t.Context(), "", nil, []byte("v")), "needs a name")
	if err := s.SwapValue(t.Context(), string(noise[:2000]), nil, []byte("v")); err != nil {
		t.Errorf("a name of 2,000 bytes: %v", err)
	}
	if v, err := s.Value(t.Context(), string(noise)); v != nil || err != nil {
		t.Errorf("a name that can't be is %q, %v", v, err)
	}
}

// Versions end where the column does, and no Replace goes round to a low one.
func TestHighestVersion(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	r := put(t, s, 1, nil)
	for _, version := range []uint64{math.MaxInt64, math.MaxInt64 + 1, math.MaxInt64 + 2, math.MaxUint64} {
		r.Version = version
		if err := s.Replace(t.Context(), r); !errors.Is(err, apikey.ErrConflict) {
			t.Errorf("Replace of version %d answered %v, want ErrConflict", version, err)
		}
	}
	r.Version = math.MaxInt64 - 1
	body, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	execArgs(t, dsn, "UPDATE "+schema+".apikey_keys SET version = $1, body = $2", int64(r.Version), body)
	if err := s.Replace(t.Context(), r); err != nil {
		t.Errorf("Replace of the last version but one: %v", err)
	}
	if r, err = s.Get(t.Context(), r.ID); err != nil || r.Version != math.MaxInt64 {
		t.Fatalf("the last version is %v, %v", r, err)
	}
	wantError(t, "Replace of the last version", s.Replace(t.Context(), r), apikey.ErrConflict)
	if err := s.Delete(t.Context(), r.ID); err != nil {
		t.Errorf("Delete of the last version: %v", err)
	}
}

func wantError(t *testing.T, call string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s answered %v, want %v", call, err, want)
	}
}

func TestUseTimes(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	s := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	r := put(t, s, 1, nil)
	for name, at := range map[string]time.Time{
		"not UTC":       instant(1).In(time.FixedZone("", 3600)),
		"less than 1ms": instant(1).Add(time.Microsecond),
		"before 1970":   time.Unix(-1, 0).UTC(),
	} {
		err := s.RecordUse(t.Context(), []apikey.Use{{ID: r.ID, Number: 1, At: instant(5)}, {ID: r.ID, Number: 1, At: at}})
		wantFault(t, "RecordUse at a time "+name, err, r.ID.String())
	}
	if got, err := s.Get(t.Context(), r.ID); err != nil || !got.LastUsedAt.IsZero() {
		t.Errorf("a batch that was refused has set %v, %v", got, err)
	}
}

// Batches of several stores have the same keys in different orders, twice each, and none waits for another that waits for it.
func TestUsesInDifferentOrders(t *testing.T) {
	t.Parallel()
	const keys, batches = 1000, 6
	dsn, schema := migrated(t)
	one := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
	stores := []*pgstore.Store{one, on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})}
	fill(t, one, keys, func(int, *apikey.Record) {})
	var wg sync.WaitGroup
	for b := range batches {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(1, uint64(b)))
			var uses []apikey.Use
			for range 2 {
				for _, n := range dice.Perm(keys) {
					uses = append(uses, apikey.Use{ID: sampleID(n), Number: 1, At: instant(b*keys + dice.IntN(keys))})
				}
			}
			last := apikey.Use{ID: sampleID(b), Number: 1, At: instant(1e6)}
			if err := stores[b%2].RecordUse(t.Context(), append(uses, last, apikey.Use{ID: sampleID(keys), Number: 1, At: instant(1)})); err != nil {
				t.Errorf("RecordUse: %v; else last uses are lost where there is much traffic", err)
			}
		})
	}
	wg.Wait()
	if n := ask[int](t, dsn, "SELECT count(*) FROM "+schema+".apikey_keys WHERE last_used = 0 OR used[1] <> last_used"); n != 0 {
		t.Errorf("%d of %d keys were not used", n, keys)
	}
	for n := range batches {
		if r, err := one.Get(t.Context(), sampleID(n)); err != nil || !r.LastUsedAt.Equal(instant(1e6)) {
			t.Errorf("the highest time of a batch is not there: %v, %v", r, err)
		}
	}
}
