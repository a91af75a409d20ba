package apikey_test

import (
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// newIssuer returns an Issuer whose hashes cost next to nothing.
func newIssuer(t testing.TB, store apikey.Store, opts apikey.IssuerOptions) *apikey.Issuer {
	t.Helper()
	opts.Argon2 = apikeytest.Params()
	i, err := apikey.NewIssuer(store, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// newKey creates a key; an empty Subject is "user_1", an empty Name "key".
func newKey(t testing.TB, i *apikey.Issuer, p apikey.CreateParams) (*apikey.Key, apikey.Secret) {
	t.Helper()
	if p.Subject == "" {
		p.Subject = "user_1"
	}
	if p.Name == "" {
		p.Name = "key"
	}
	key, secret, err := i.Create(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return key, secret
}

// idOf is the id that a store knows a key by.
func idOf(t testing.TB, key *apikey.Key) (id apikey.ID) {
	t.Helper()
	s := key.ID()
	if n, err := hex.Decode(id[:], []byte(s[len(s)-32:])); err != nil || n != len(id) {
		t.Fatalf("the id %s: %v", s, err)
	}
	return id
}

// edit changes a key's record in the store, as no Issuer would.
func edit(t testing.TB, s apikey.Store, key *apikey.Key, f func(*apikey.Record)) {
	t.Helper()
	r, err := s.Get(t.Context(), idOf(t, key))
	if err != nil {
		t.Fatal(err)
	}
	f(r)
	if err := s.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// encoded is a record in the store, byte by byte.
func encoded(t testing.TB, s apikey.Store, key *apikey.Key) string {
	t.Helper()
	r, err := s.Get(t.Context(), idOf(t, key))
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// ids lists what a query finds.
func ids(t testing.TB, i *apikey.Issuer, q apikey.Query) (all []string) {
	t.Helper()
	for key, err := range i.Keys(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key.ID())
	}
	return all
}

// numbers are those of a key's live secrets, newest first.
func numbers(key *apikey.Key) (all []uint16) {
	for _, c := range key.Credentials() {
		all = append(all, c.Number)
	}
	return all
}

func wantSame[E comparable](t testing.TB, what string, got, want []E) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// wantInvalid checks that err is a ValidationError on this field.
func wantInvalid(t testing.TB, what string, err error, field string) {
	t.Helper()
	var invalid *apikey.ValidationError
	switch {
	case !errors.As(err, &invalid):
		t.Errorf("%s: %v, want a ValidationError on %s", what, err, field)
	case invalid.Field != field || invalid.Reason == "":
		t.Errorf("%s: %v, want it on %s, with a reason", what, err, field)
	}
}

// wantError checks that err matches want, and is no failure of the system; nil: that there is none.
func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrOverloaded) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// within reports whether at is in a span of time, to the millisecond.
func within(at, from, to time.Time) bool {
	return !at.Before(from.Truncate(time.Millisecond)) && !at.After(to)
}
