package apikey_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func TestRevoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // so that the use is written
		revoked := time.Now().UTC()
		got, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: "leaked", By: "admin"})
		if err != nil {
			t.Fatal(err)
		}
		at, ok := got.RevokedAt()
		if !got.Revoked() || !ok || !at.Equal(revoked) || got.RevocationReason() != "leaked" || got.RevokedBy() != "admin" || !got.UpdatedAt().Equal(revoked) {
			t.Errorf("revoked: %s", state(got))
		}
		_, err = keys.Verifier.Verify(t.Context(), text)
		wantRejection(t, "Verify", err, apikey.ErrRevoked)

		// Again: the first reason, actor and time stay.
		before := encoded(t, keys.Store, key)
		time.Sleep(time.Hour)
		for _, p := range []apikey.RevokeParams{{}, {Reason: "another", By: "somebody else"}} {
			again, err := keys.Issuer.Revoke(t.Context(), key.ID(), p)
			if err != nil || state(again) != state(got) || encoded(t, keys.Store, key) != before {
				t.Errorf("again: %s, %v; it was %s", state(again), err, state(got))
			}
		}
	})
}

// An expired key can be revoked, and one that is revoked says so though it is expired, too.
func TestRevokeExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		key, text := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Second})
		time.Sleep(time.Second)
		if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantRejection(t, "Verify", err, apikey.ErrRevoked)
	})
}

func TestRevokeValidation(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	before := encoded(t, store, key)
	type params = apikey.RevokeParams
	bad := map[string]struct {
		field string
		params
	}{
		"a long reason": {"Reason", params{Reason: characters(1025)}},
		"a long by":     {"By", params{By: characters(256)}},
	}
	for what, text := range badTexts {
		bad["reason "+what] = struct {
			field string
			params
		}{"Reason", params{Reason: text}}
		bad["by "+what] = struct {
			field string
			params
		}{"By", params{By: text}}
	}
	for what, c := range bad {
		_, err := issuer.Revoke(t.Context(), key.ID(), c.params)
		wantInvalid(t, what, err, c.field)
		n, err := issuer.RevokeSubject(t.Context(), "user_1", c.params)
		wantInvalid(t, what, err, c.field)
		if n != 0 {
			t.Errorf("%s: %d revoked", what, n)
		}
	}
	for what, subject := range badTexts {
		_, err := issuer.RevokeSubject(t.Context(), subject, params{})
		wantInvalid(t, what, err, "subject")
	}
	for _, subject := range []string{"", characters(256)} {
		_, err := issuer.RevokeSubject(t.Context(), subject, params{})
		wantInvalid(t, "empty or long", err, "subject")
	}
	if encoded(t, store, key) != before {
		t.Error("the key was changed")
	}
	if got, err := issuer.Revoke(t.Context(), key.ID(), params{Reason: characters(1024), By: characters(255)}); err != nil || !got.Revoked() {
		t.Errorf("at the bounds: %v", err)
	}
}

// A store that fails is reported, also when the revocation may have been made and when it had
// been made before: whoever is told nil may rely on it.
func TestRevokeReportsFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	for _, call := range []string{"Get", "Replace"} {
		for _, after := range []bool{false, true} {
			store := newHooked()
			issuer := newIssuer(t, store, apikey.IssuerOptions{})
			key, _ := newKey(t, issuer, apikey.CreateParams{})
			fail := func(c string) error {
				if c == call {
					return broken
				}
				return nil
			}
			if after {
				store.after = fail
			} else {
				store.before = fail
			}
			got, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: "first"})
			if !errors.Is(err, apikey.ErrUnavailable) || !errors.Is(err, broken) || got != nil {
				t.Errorf("%s failing: %v, %v", call, got, err)
			}
			n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{})
			if !errors.Is(err, broken) && (call == "Get" || !after) || n != 0 {
				t.Errorf("%s failing: RevokeSubject: %d, %v", call, n, err)
			}
			store.before, store.after = nil, nil
			if got, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: "second"}); err != nil || !got.Revoked() {
				t.Errorf("%s failed: then %v, %v", call, got, err)
			}
		}
	}
	// Nothing to write, but something to tell.
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	if _, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	store.before = func(call string) error {
		if call == "announce" {
			return broken
		}
		return nil
	}
	_, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
	wantFailure(t, "an announcement that failed", err, apikey.ErrUnavailable, broken)
	// The end of the caller's context does not keep it from that.
	ctx, cancel := context.WithCancel(t.Context())
	store.before, store.after = nil, func(call string) error {
		if call == "Get" {
			cancel()
		}
		return nil
	}
	announced := store.count("announce")
	_, err = issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{})
	if wantError(t, "an end of the context after the look", err, nil); store.count("announce") != announced+1 {
		t.Error("it was not announced")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{})
	other, otherText := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if err := keys.Issuer.Delete(t.Context(), key.ID()); err != nil {
		t.Fatal(err)
	}
	_, err := keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "Verify", err, apikey.ErrUnknown)
	for call, f := range byID {
		wantError(t, call+" of a deleted key", f(t.Context(), keys.Issuer, key.ID()), apikey.ErrNotFound)
	}
	if listed := ids(t, keys.Issuer, apikey.Query{IncludeInvalid: true}); !slices.Equal(listed, []string{other.ID()}) {
		t.Errorf("listed: %v", listed)
	}
	for range 1000 {
		if again, _ := keys.Create(t, apikey.CreateParams{}); again.ID() == key.ID() {
			t.Fatal("the id came back")
		}
	}
	if _, err := keys.Verifier.Verify(t.Context(), otherText); err != nil {
		t.Errorf("another key: %v", err)
	}
	// A revoked one can be deleted, too.
	if _, err := keys.Issuer.Revoke(t.Context(), other.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Delete of a revoked key", keys.Issuer.Delete(t.Context(), other.ID()), nil)
	wantError(t, "Delete of a deleted key", keys.Issuer.Delete(t.Context(), other.ID()), apikey.ErrNotFound)
}

// Two who delete one key: one of them did it.
func TestDeleteRaced(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	store.before = func(call string) error {
		if call == "Delete" {
			store.before = nil
			return store.Store.Delete(t.Context(), idOf(t, key))
		}
		return nil
	}
	wantError(t, "the slower one", issuer.Delete(t.Context(), key.ID()), apikey.ErrNotFound)

	broken := errors.New("the disk is on fire")
	key, _ = newKey(t, issuer, apikey.CreateParams{})
	store.after = func(call string) error {
		if call == "Delete" {
			return broken
		}
		return nil
	}
	wantFailure(t, "a Delete that failed", issuer.Delete(t.Context(), key.ID()), apikey.ErrUnavailable, broken)
}
