package sts_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Processes of a service whose clocks differ, behind one address, or one after another, keep the bound.
func TestSkewedProcesses(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{0, 10 * time.Second, 40 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			store, ring := memstore.New(), keyring(t, 1)
			ahead := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, TTL: 15 * time.Minute})
			right := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, TTL: 15 * time.Minute})
			ahead.service.Skew(skew)
			elsewhere, wire := ahead.remote(t, sts.VerifierOptions{})
			for range 5 {
				for _, f := range []*fixture{right, ahead} { // which goes away, for the other
					key, text := right.Create(t, apikey.CreateParams{})
					token := right.exchange(t, text, sts.ExchangeParams{})
					time.Sleep(3 * time.Second)
					wantAlive(t, "before", elsewhere, token)
					wire.answerFrom(f.handler)
					if _, err := right.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
						t.Fatal(err)
					}
					if took, err := refusedAfter(t, elsewhere, token); !errors.Is(err, apikey.ErrRevoked) || took > 5*time.Second {
						t.Errorf("%v apart: %v after %v", skew, err, took)
					}
				}
			}
		})
	}
}

// A list that is sent again and again is as old as it was the first time.
func TestReplayedList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute, RevocationTTL: 15 * time.Minute})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, token)
		wire.set(instead(f.handler, "/oauth/revocations", f.get("/oauth/revocations").Body.String()))
		time.Sleep(5 * time.Second)
		before := wire.count("/oauth/revocations")
		start := time.Now()
		// It is out, as far as can be told: what is used is the list from before, and another is asked for.
		wantAlive(t, "with the same list", elsewhere, token)
		time.Sleep(30 * time.Second)
		if n := wire.count("/oauth/revocations") - before; n < 9 {
			t.Errorf("%d fetches in %v", n, time.Since(start))
		}
		wire.set(nil)
		time.Sleep(5 * time.Second)
		wantAlive(t, "afterwards", elsewhere, token)
	})
}

// A process whose clock is ahead does not take from the others the keys that they sign with.
func TestClockAheadKeepsKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, ring := memstore.New(), keyring(t, 1)
		right := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
		_, text := right.Create(t, apikey.CreateParams{})
		right.exchange(t, text, sts.ExchangeParams{})
		time.Sleep(23*time.Hour + 50*time.Minute) // the next key is published
		token := right.exchange(t, text, sts.ExchangeParams{})
		ahead := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
		ahead.service.Skew(25 * time.Hour)
		if err := ahead.service.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31 * time.Second)
		wantAlive(t, "of a key that signs", right.verifier(t), token)
		for range 40 {
			wantAlive(t, "later", right.verifier(t), right.exchange(t, text, sts.ExchangeParams{}))
			time.Sleep(time.Hour)
		}
	})
}
