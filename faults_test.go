package apikey_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// Every failure fails closed. A whole life of two keys is played with the n-th call of the
// store failing, for every n, before it does its work and after: no Verify accepts what the
// store's own state does not justify, every failed call says so, and once the fault is over the
// same call succeeds.
func TestEveryStoreCallFailing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for _, watched := range []bool{true, false} {
			calls := 0
			for n := 1; ; n++ {
				fault := &storetest.Fault{Call: n, After: after}
				inner := memstore.New()
				var store apikey.Store = inner
				if !watched {
					store = unwatched{inner}
				}
				playWithFault(t, inner, fault.Wrap(store), n)
				if calls = fault.Calls(); calls < n {
					break
				}
			}
			if calls < 15 {
				t.Errorf("the scenario has only %d calls", calls)
			}
		}
	}
}

func playWithFault(t *testing.T, inner, store apikey.Store, n int) {
	t.Helper()
	ctx := t.Context()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 1)}})
	failures := 0
	// once calls f again if a fault was its answer: there is one fault only.
	once := func(what string, f func() error) {
		t.Helper()
		err := f()
		if errors.Is(err, apikey.ErrUnavailable) && !errors.Is(err, apikey.ErrRejected) {
			failures++
			err = f()
		}
		if err != nil {
			t.Errorf("call %d failing: %s: %v", n, what, err)
		}
	}
	accepted := func(text string) error { _, err := keys.Verifier.Verify(ctx, text); return err }
	refused := func(text string, want error) func() error {
		return func() error {
			_, err := keys.Verifier.Verify(ctx, text)
			if err == nil {
				t.Errorf("call %d failing: accepted what is %v", n, want)
			}
			if errors.Is(err, want) {
				return nil
			}
			return err
		}
	}

	var key *apikey.Key
	var text string
	once("create", func() error {
		k, secret, err := keys.Issuer.Create(ctx, apikey.CreateParams{Subject: "u", Name: "n"})
		if err == nil {
			key, text = k, secret.Reveal()
		}
		return err
	})
	if c, err := inner.Count(ctx, apikey.Filter{}); err != nil || c != 1 {
		t.Errorf("call %d failing: a failed create left %d records", n, c)
	}
	once("cold", func() error { return accepted(text) })
	once("warm", func() error { return accepted(text) })
	var rotated string
	once("rotate", func() error {
		_, secret, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Hour})
		rotated = secret.Reveal()
		return err
	})
	once("old secret in grace", func() error { return accepted(text) })
	once("new secret", func() error { return accepted(rotated) })
	once("rotate without grace", func() error {
		_, secret, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{})
		rotated = secret.Reveal()
		return err
	})
	once("old secret", refused(text, apikey.ErrUnknown))
	once("new secret", func() error { return accepted(rotated) })
	scopes := []string{"read"}
	once("update", func() error {
		_, err := keys.Issuer.Update(ctx, key.ID(), apikey.UpdateParams{Scopes: scopes})
		return err
	})
	once("lookup", func() error {
		k, err := keys.Verifier.Lookup(ctx, key.ID())
		if err == nil && !k.HasScope("read") {
			t.Errorf("call %d failing: Lookup shows the scopes from before the update", n)
		}
		return err
	})
	once("revoke", func() error { _, err := keys.Issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{}); return err })
	once("revoked", refused(rotated, apikey.ErrRevoked))
	once("revoke the subject", func() error { _, err := keys.Issuer.RevokeSubject(ctx, "u", apikey.RevokeParams{}); return err })
	once("delete", func() error {
		err := keys.Issuer.Delete(ctx, key.ID())
		if failures > 0 && errors.Is(err, apikey.ErrNotFound) { // it was deleted before the fault
			return nil
		}
		return err
	})
	once("deleted", refused(rotated, apikey.ErrUnknown))
	keys.Verifier.Close()
	if _, err := inner.Count(ctx, apikey.Filter{}); err != nil {
		t.Error(err)
	}
}
