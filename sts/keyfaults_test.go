package sts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// A store that fails is done without for as long as a key that is not known can't sign, and is not asked by
// every call.
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
		time.Sleep(100 * time.Millisecond) // that long a failure is everybody's
		if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// Each call of the store fails once, before it is done and after: then there is no token and no set, or they are
// good, and the next try is.
func TestKeysFailClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
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
				time.Sleep(100 * time.Millisecond)
				if token, err = service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
					t.Errorf("call %d, then: %v", n, err)
				} else {
					wantAlive(t, fmt.Sprint("call ", n), f.verifier(t), token.Reveal())
				}
			}
		}
	})
}

// Who makes the first key, or the next, at the same time as another signs with the other's.
func TestKeysRaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := memstore.New()
		first := newFixture(t, &apikeytest.Options{Store: base}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		store := &raced{Store: base}
		second := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		_, text := first.Create(t, apikey.CreateParams{})
		for i, what := range []string{"the first", "the next"} {
			time.Sleep(time.Duration(i) * (24*time.Hour - 15*time.Minute))
			store.before = func() { first.published(t) }
			wantAlive(t, what, first.verifier(t), second.exchange(t, text, sts.ExchangeParams{}))
			ours, _ := first.published(t)
			theirs, _ := second.published(t)
			if !slices.Equal(ours, theirs) || store.conflicts == 0 {
				t.Errorf("%s: %q beside %q, %d conflicts", what, ours, theirs, store.conflicts)
			}
			store.conflicts = 0
		}
	})
}

// raced is a store in which somebody else is faster, once.
type raced struct {
	*memstore.Store
	before    func()
	conflicts int
}

func (s *raced) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if f := s.before; f != nil && strings.HasPrefix(name, "sts/") {
		s.before = nil
		f()
	}
	err := s.Store.SwapValue(ctx, name, old, new)
	if errors.Is(err, apikey.ErrConflict) {
		s.conflicts++
	}
	return err
}

// A key that a machine whose clock is far ahead has put into the set neither signs before its time nor keeps
// others from being made.
func TestKeyFromTheFuture(t *testing.T) {
	t.Parallel()
	var value []byte
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(365 * 24 * time.Hour)
		store := memstore.New()
		newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)}).published(t)
		value, _ = store.Value(t.Context(), keysValue)
	})
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		if err := store.SwapValue(t.Context(), keysValue, nil, value); err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		_, text := f.Create(t, apikey.CreateParams{})
		signers := map[string]bool{}
		for range 3 {
			wantAlive(t, "by whatever there is", f.verifier(t), f.exchange(t, text, sts.ExchangeParams{}))
			time.Sleep(24*time.Hour - 5*time.Minute)
			f.published(t)
			time.Sleep(20 * time.Minute)
			signers[kid(t, f.exchange(t, text, sts.ExchangeParams{}))] = true
		}
		if len(signers) != 3 {
			t.Errorf("%d keys have signed in three days", len(signers))
		}
	})
}
