package apikey_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// However often a credential is used, it is written at most once an interval, late by at most
// an interval and an eighth, and the rest is written by Close.
func TestLastUsed(t *testing.T) {
	t.Parallel()
	for name, interval := range map[string]time.Duration{"default": 0, "a minute": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			store := count(memstore.New())
			keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{LastUsedInterval: interval}})
			if interval == 0 {
				interval = 30 * time.Second
			}
			key, text := keys.Create(t, apikey.CreateParams{})
			if _, used := key.LastUsedAt(); used {
				t.Error("used before its first use")
			}
			const step = 100 * time.Millisecond
			for at := time.Duration(0); at < 10*interval; at += step {
				if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if got, used := stored(t, store, key.ID()).LastUsedAt, at >= interval; used && time.Since(got) > interval*9/8+step {
					t.Fatalf("%s: after %v the store says %v ago", name, at, time.Since(got))
				}
				time.Sleep(step)
			}
			synctest.Wait()
			if n := len(store.recorded); n < 9 || n > 10 {
				t.Errorf("%s: %d writes in 10 intervals", name, n)
			}
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
			last := time.Now()
			keys.Verifier.Close()
			if got := stored(t, store, key.ID()); last.Sub(got.LastUsedAt) > interval/8 || !got.LastUsedAt.Equal(got.Credentials[0].LastUsedAt) || got.Version != 1 {
				t.Errorf("%s: after Close: %v ago, version %d", name, last.Sub(got.LastUsedAt), got.Version)
			}
			if s := keys.Verifier.Stats(); s.LastUsedWrites != uint64(len(store.recorded)) || s.LastUsedFailures != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		})
	}
}

// Each credential has its own time, a batch is one call, and what is refused was not used.
func TestLastUsedPerCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := count(memstore.New())
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		key, first := keys.Create(t, apikey.CreateParams{})
		_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		revoked, dead := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i, text := range []string{first, secret.Reveal()} {
			time.Sleep(time.Duration(i) * 10 * time.Second)
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := keys.Verifier.Verify(t.Context(), dead); !errors.Is(err, apikey.ErrRevoked) {
			t.Fatal(err)
		}
		if _, err := keys.Verifier.Lookup(t.Context(), key.ID()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if store.uses.Load() != 1 || len(store.recorded) != 2 {
			t.Errorf("%d calls, %d uses", store.uses.Load(), len(store.recorded))
		}
		r := stored(t, store, key.ID())
		if at := r.Credentials[0].LastUsedAt; at.Sub(start) != 10*time.Second || !r.LastUsedAt.Equal(at) || !r.Credentials[1].LastUsedAt.Equal(start) {
			t.Errorf("times %v, %v, record %v", r.Credentials[0].LastUsedAt, r.Credentials[1].LastUsedAt, r.LastUsedAt)
		}
	})
}

// A store that fails costs no Verify, is counted and logged, and gets the times later.
func TestLastUsedFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &failingUse{counted: count(memstore.New())}
		store.fails.Store(true)
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		used := time.Now()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if s := keys.Verifier.Stats(); s.LastUsedFailures != 1 || s.LastUsedWrites != 0 {
			t.Errorf("%+v", s)
		}
		store.fails.Store(false)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if s := keys.Verifier.Stats(); s.LastUsedFailures != 1 || s.LastUsedWrites != 1 || !stored(t, store, key.ID()).LastUsedAt.Equal(used) {
			t.Errorf("%+v", s)
		}
	})
}

// Last use never brings a key back, and never hides that it is gone.
func TestLastUsedRevivesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		deleted, a := keys.Create(t, apikey.CreateParams{})
		revoked, b := keys.Create(t, apikey.CreateParams{})
		for _, text := range []string{a, b} {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		if err := keys.Issuer.Delete(t.Context(), deleted.ID()); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{Reason: "leaked"}); err != nil {
			t.Fatal(err)
		}
		keys.Verifier.Close()
		if _, err := keys.Issuer.Get(t.Context(), deleted.ID()); !errors.Is(err, apikey.ErrNotFound) {
			t.Error(err)
		}
		if key, err := keys.Issuer.Get(t.Context(), revoked.ID()); err != nil || !key.Revoked() || key.RevocationReason() != "leaked" {
			t.Error(key, err)
		}
	})
}

// Many credentials are written in several batches, in the order of their ids.
func TestLastUsedBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := count(memstore.New())
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		const n = 4096 + 10
		for range n {
			_, text := keys.Create(t, apikey.CreateParams{})
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if store.uses.Load() != 2 || len(store.recorded) != n ||
			!slices.IsSortedFunc(store.recorded, func(a, b apikey.Use) int { return a.ID.Compare(b.ID) }) {
			t.Errorf("%d calls, %d uses", store.uses.Load(), len(store.recorded))
		}
	})
}
