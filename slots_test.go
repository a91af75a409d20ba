package apikey_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// Few credentials take few places of what is collected, also where they thrash the cache.
func TestThrashDropsNoUse(t *testing.T) {
	t.Parallel()
	ring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Keyring: ring},
		Verifier: apikey.VerifierOptions{Keyring: ring, CacheBytes: 4 << 10}})
	var texts []string
	for range 50 {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts = append(texts, text)
	}
	for i := range 140_000 {
		if _, err := keys.Verifier.Verify(t.Context(), texts[i%50]); err != nil {
			t.Fatal(err)
		}
		if s := keys.Verifier.Stats(); i%1000 == 0 && s.LastUsedFailures != 0 {
			t.Fatalf("after %d calls with 50 credentials %d uses were dropped", i, s.LastUsedFailures)
		}
	}
}

// What is refused was not used, also if its slot was another's.
func TestRefusedWasNotUsed(t *testing.T) {
	t.Parallel()
	type who struct{}
	var block, blocked chan struct{}
	check := func(ctx context.Context, k *apikey.Key) error {
		if ctx.Value(who{}) != nil {
			close(blocked)
			<-block
			return nil
		}
		return errors.New("suspended")
	}
	var wrong atomic.Int64
	for n := 30; n < 40; n++ {
		block, blocked = make(chan struct{}), make(chan struct{})
		keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 8 << 10, Check: check}})
		_, a := keys.Create(t, apikey.CreateParams{})
		done := make(chan error)
		go func() {
			_, err := keys.Verifier.Verify(context.WithValue(t.Context(), who{}, 1), a)
			done <- err
		}()
		<-blocked
		var others []*apikey.Key
		for i := range n {
			k, text := keys.Create(t, apikey.CreateParams{Description: strings.Repeat("x", max(0, 600-30*i))})
			others = append(others, k)
			if _, err := keys.Verifier.Verify(t.Context(), text); !errors.Is(err, apikey.ErrDenied) {
				t.Fatal(err)
			}
		}
		close(block)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		keys.Verifier.Close()
		for _, k := range others {
			if !stored(t, keys.Store, k.ID()).LastUsedAt.IsZero() {
				wrong.Add(1)
			}
		}
	}
	if wrong.Load() != 0 {
		t.Errorf("%d keys that were never accepted have a last use", wrong.Load())
	}
}

// Whoever writes over what Lookup returned does not break Lookup.
func TestOverwrittenLookup(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	k, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	got, err := keys.Verifier.Lookup(t.Context(), k.ID())
	if err != nil {
		t.Fatal(err)
	}
	*got = apikey.Key{}
	defer func() {
		if p := recover(); p != nil {
			t.Error("Lookup panics:", p)
		}
	}()
	if _, err := keys.Verifier.Lookup(t.Context(), k.ID()); err != nil {
		t.Error(err)
	}
}
