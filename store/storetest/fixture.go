package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// epoch is when the first record of a test was made.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 89e6, time.UTC)

// at returns an instant of the tests' calendar.
func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// id returns the n-th id in order of creation, a UUIDv7.
func id(n int) apikey.ID {
	var id apikey.ID
	binary.BigEndian.PutUint64(id[:8], uint64(at(n).UnixMilli())<<16|7<<12|uint64(n)&0xfff)
	binary.BigEndian.PutUint64(id[8:], 2<<62|uint64(n)*0x9e3779b97f4a7c15>>2)
	return id
}

// record returns the n-th record in order of creation, as an Issuer would have made it.
func record(n int) *apikey.Record {
	return &apikey.Record{
		ID:        id(n),
		Prefix:    "ak",
		Type:      "api_key",
		Subject:   "user_1",
		Name:      fmt.Sprintf("Key %d", n),
		NameFold:  fmt.Sprintf("key %d", n),
		CreatedAt: at(n),
		UpdatedAt: at(n),
		Credentials: []apikey.Credential{{
			Number:    1,
			Hash:      "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			Hint:      "abcd",
			CreatedAt: at(n),
		}},
	}
}

// mustCreate creates r and returns it as it is stored.
func mustCreate(t testing.TB, s apikey.Store, r *apikey.Record) *apikey.Record {
	t.Helper()
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return mustGet(t, s, r.ID)
}

func mustGet(t testing.TB, s apikey.Store, id apikey.ID) *apikey.Record {
	t.Helper()
	r, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatalf("Get of a record that was created: %v", err)
	}
	if r == nil {
		t.Fatalf("Get returned neither a record nor an error")
	}
	return r
}

// mustReplace replaces r and returns it as it is stored.
func mustReplace(t testing.TB, s apikey.Store, r *apikey.Record) *apikey.Record {
	t.Helper()
	if err := s.Replace(t.Context(), r); err != nil {
		t.Fatalf("Replace of the stored version: %v", err)
	}
	return mustGet(t, s, r.ID)
}

func mustDelete(t testing.TB, s apikey.Store, id apikey.ID) {
	t.Helper()
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatalf("Delete of a record that is there: %v", err)
	}
}

func mustUse(t testing.TB, s apikey.Store, uses ...apikey.Use) {
	t.Helper()
	if err := s.RecordUse(t.Context(), uses); err != nil {
		t.Fatalf("RecordUse: %v", err)
	}
}

func mustSwap(t testing.TB, s apikey.Store, name string, old, new []byte) {
	t.Helper()
	if err := s.SwapValue(t.Context(), name, old, new); err != nil {
		t.Fatalf("SwapValue of the present value: %v", err)
	}
}

func mustValue(t testing.TB, s apikey.Store, name string) []byte {
	t.Helper()
	v, err := s.Value(t.Context(), name)
	if err != nil {
		t.Fatalf("Value: %v", err)
	}
	return v
}

// wantError fails t unless err matches want; nil: unless it is nil. why says what else happens.
func wantError(t testing.TB, call string, err, want error, why string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s answered %s, want %s; else %s", call, text(err), text(want), why)
	}
}

// text names an answer in a failure.
func text(err error) string {
	if err == nil {
		return "no error"
	}
	return fmt.Sprintf("%q", err)
}

// wantGone fails t unless there is no such record.
func wantGone(t testing.TB, s apikey.Store, id apikey.ID, after, why string) {
	t.Helper()
	_, err := s.Get(t.Context(), id)
	wantError(t, "Get after "+after, err, apikey.ErrNotFound, why)
}

// together runs f n times at once and returns the errors.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// wantOneWinner fails t unless exactly one of errs is nil and the others match lost. It
// returns the winner.
func wantOneWinner(t testing.TB, race string, errs []error, lost error, why string) int {
	t.Helper()
	winner, winners := -1, 0
	for i, err := range errs {
		switch {
		case err == nil:
			winner = i
			winners++
		case !errors.Is(err, lost):
			t.Errorf("%s: a loser got %s, want %s", race, text(err), text(lost))
		}
	}
	if winners != 1 {
		t.Fatalf("%s: %d of %d succeeded, want exactly 1; else %s", race, winners, len(errs), why)
	}
	return winner
}
