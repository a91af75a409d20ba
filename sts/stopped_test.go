package sts_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// A process that stands still in the middle of a Verify, for longer than a death is listed, does not accept
// afterwards what was alive before: its end is looked at last.
func TestStoppedInVerify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		key, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, token)
		goesOn := make(chan struct{})
		wire.set(func(r *http.Request) (*http.Response, error) {
			select {
			case <-goesOn:
				return answer(f.handler, r), nil
			default:
				<-goesOn
				return nil, errCut
			}
		})
		time.Sleep(4600 * time.Millisecond)
		refused := make(chan error)
		go func() {
			_, err := elsewhere.Verify(t.Context(), token)
			refused <- err
		}()
		synctest.Wait()
		if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		close(goesOn)
		if err := <-refused; !errors.Is(err, apikey.ErrExpired) {
			t.Errorf("%v, want ErrExpired", err)
		}
	})
}

// A token that ends while its Verify waits for the service has ended.
func TestEndsWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: 10 * time.Second})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, token)
		time.Sleep(6 * time.Second)
		wire.set(swallow)
		time.Sleep(3900 * time.Millisecond)
		start := time.Now()
		wantDead(t, "a tenth of a second before its end", elsewhere, token, apikey.ErrExpired)
		if time.Since(start) < 100*time.Millisecond {
			t.Error("it did not wait")
		}
	})
}

// What a token says of when it was signed is from before its key was judged: a process that stands still between the
// two can't sign for a key that has died meanwhile.
func TestStoppedInExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stand := time.Duration(0)
		f := newFixture(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(context.Context, *apikey.Key) error {
			time.Sleep(stand)
			return nil
		}}}, sts.ServiceOptions{TTL: 15 * time.Minute})
		key, text := f.Create(t, apikey.CreateParams{})
		stand = 20 * time.Minute
		token := f.exchange(t, text, sts.ExchangeParams{})
		stand = 0
		wantDead(t, "by exchange", f.verifier(t), token, apikey.ErrExpired)
		stand = 20 * time.Minute
		w := f.post(t, "/oauth/token", clientGrant(), key.ID(), text)
		stand = 0
		got := decode(t, w, http.StatusOK)
		wantDead(t, "over HTTP", f.verifier(t), got["access_token"].(string), apikey.ErrExpired)
	})
}
