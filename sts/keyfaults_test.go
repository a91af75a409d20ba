package sts_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

func TestKeysWithoutTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := memstore.New()
		store := &flaky{Store: base}
		f := newFixture(t, &apikeytest.Options{Store: base}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		service, err := sts.NewService(store, f.Verifier, issuer, &sts.ServiceOptions{Keyring: keyring(t, 1), Audiences: []string{audience}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		_, text := f.Create(t, apikey.CreateParams{})
		if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
			t.Fatal(err)
		}
		store.fails(true)
		start := time.Now()
		for time.Since(start) < 15*time.Minute-time.Second {
			if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
			time.Sleep(500 * time.Millisecond)
		}
		if n := store.reads(); n > 900 {
			t.Errorf("%d reads in a quarter of an hour", n)
		}
		time.Sleep(time.Second)
		if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrRejected) {
			t.Errorf("after a quarter of an hour: %v", err)
		}
		store.fails(false)
		if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestKeysFailClosed(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			base := memstore.New()
			fault := &storetest.Fault{Call: n, After: after}
			f := newFixture(t, &apikeytest.Options{Store: base}, sts.ServiceOptions{Keyring: keyring(t, 1)})
			_, text := f.Create(t, apikey.CreateParams{})
			service, err := sts.NewService(fault.Wrap(base), f.Verifier, issuer, &sts.ServiceOptions{Keyring: keyring(t, 1), Audiences: []string{audience}, Logger: quiet})
			if err != nil {
				t.Fatal(err)
			}
			token, err := service.Exchange(t.Context(), text, sts.ExchangeParams{})
			if fault.Calls() < n {
				if n != 3 || err != nil {
					t.Errorf("%d calls, %v", n-1, err)
				}
				break
			}
			if token != nil || !errors.Is(err, apikey.ErrUnavailable) {
				t.Errorf("call %d: %v, %v", n, token, err)
			}
			if token, err = service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
				t.Errorf("call %d, then: %v", n, err)
			} else {
				wantAlive(t, fmt.Sprint("call ", n), f.verifier(t), token.Reveal())
			}
		}
	}
}
