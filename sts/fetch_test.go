package sts_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Kids that were made up cost a fetch each half second, and keep nobody out.
func TestUnknownKids(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, other := newFixture(t, nil, sts.ServiceOptions{}), newFixture(t, nil, sts.ServiceOptions{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		_, text = other.Create(t, apikey.CreateParams{})
		foreign := other.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "ours", elsewhere, token)
		for range 100 { // 10 seconds
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() { wantDead(t, "a foreign one", elsewhere, foreign, apikey.ErrUnknown) })
			}
			wg.Wait()
			wantAlive(t, "ours", elsewhere, token)
			time.Sleep(100 * time.Millisecond)
		}
		if n := wire.count("/.well-known/jwks.json"); n < 10 || n > 21 {
			t.Errorf("%d fetches of the keys in 10 seconds", n)
		}
		if n := wire.count("/oauth/revocations"); n > 6 {
			t.Errorf("%d fetches of the list in 10 seconds", n)
		}
	})
}

// The signing keys are fetched again when they are as old as they may get, and a service that can't be reached at first
// is asked ten times a second at most, however many wait.
func TestFetches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wire.set(cutOff)
		for range 100 { // a second, and what the calls wait for
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() { wantDead(t, "no service", elsewhere, token, apikey.ErrUnavailable) })
			}
			wg.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		if n := wire.count("/.well-known/jwks.json"); n < 2 || n > 105 {
			t.Errorf("%d fetches", n)
		}
		wire.set(nil)
		time.Sleep(time.Second)
		wantAlive(t, "with a service", elsewhere, token)
		before := wire.count("/.well-known/jwks.json")
		time.Sleep(time.Hour)
		if n := wire.count("/.well-known/jwks.json") - before; n < 11 || n > 12 {
			t.Errorf("%d fetches of the keys in an hour", n)
		}
	})
}

// A service that has started again with other keys, as one without a keyring does, is known after one poll, without
// a token that would show its kid.
func TestNewKeysAreFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		old := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, old)
		again := newFixture(t, nil, sts.ServiceOptions{})
		wire.answerFrom(again.handler)
		time.Sleep(3 * time.Second)
		before := wire.count("/.well-known/jwks.json")
		_, text = again.Create(t, apikey.CreateParams{})
		wantAlive(t, "a new one", elsewhere, again.exchange(t, text, sts.ExchangeParams{}))
		wantDead(t, "an old one", elsewhere, old, apikey.ErrUnknown)
		if n := wire.count("/.well-known/jwks.json"); n > before+1 {
			t.Errorf("%d fetches for them", n-before)
		}
	})
}

// Where the keys can't be fetched it can't be told that there is none of a kid: that is no rejection, and nobody waits
// for what hangs.
func TestUnknownKidInAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, other := newFixture(t, nil, sts.ServiceOptions{}), newFixture(t, nil, sts.ServiceOptions{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		_, text = other.Create(t, apikey.CreateParams{})
		foreign := other.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, token)
		time.Sleep(3 * time.Second)
		wire.set(swallow)
		wantDead(t, "at first", elsewhere, foreign, apikey.ErrUnavailable)
		waited := time.Duration(0)
		for range 100 {
			start := time.Now()
			wantDead(t, "then", elsewhere, foreign, apikey.ErrUnavailable)
			waited += time.Since(start)
			wantAlive(t, "ours", elsewhere, token)
			time.Sleep(100 * time.Millisecond)
		}
		if waited > 0 {
			t.Errorf("it waited for %v", waited)
		}
		wire.set(nil)
		time.Sleep(3 * time.Second)
		wantDead(t, "afterwards", elsewhere, foreign, apikey.ErrUnknown)
	})
}
