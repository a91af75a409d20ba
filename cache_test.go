package apikey_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// What anybody can send must not change what is cached.
func TestOnlyValidKeysReachTheCache(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 16 << 10}})
	_, text := keys.Create(t, apikey.CreateParams{})
	expired, dead := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Issuer.Revoke(t.Context(), expired.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	before := keys.Verifier.Stats()
	for i := range 5000 {
		for _, bad := range []string{withChecksum(text[:25] + digitsOf(i, 33) + text[58:69]), text[:69] + digitsOf(i, 6), dead} {
			if _, err := keys.Verifier.Verify(t.Context(), bad); !errors.Is(err, apikey.ErrRejected) {
				t.Fatal(err)
			}
		}
	}
	after := keys.Verifier.Stats()
	if before.CachedEntries != 1 || after.CachedEntries != 1 || after.CachedBytes != before.CachedBytes {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil || keys.Verifier.Stats().Warm != after.Warm+1 {
		t.Error("the valid key was pushed out")
	}
}

// The cache is bounded in bytes, and a key that was pushed out is verified again.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 128 << 10
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: bound}})
	var texts []string
	for range 500 {
		_, text := keys.Create(t, apikey.CreateParams{Description: strings.Repeat("x", 500), Scopes: []string{"read", "write"}})
		texts = append(texts, text)
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if s := keys.Verifier.Stats(); s.CachedBytes > bound {
			t.Fatalf("%d bytes", s.CachedBytes)
		}
	}
	if s := keys.Verifier.Stats(); s.CachedEntries < 40 || s.CachedEntries > 400 {
		t.Errorf("%d entries in %d bytes", s.CachedEntries, bound)
	}
	for _, text := range texts {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Error(err)
		}
	}
	// No room at all is no cache, and no harm.
	tiny := apikeytest.New(t, &apikeytest.Options{Store: keys.Store, Verifier: apikey.VerifierOptions{CacheBytes: 1}})
	for range 2 {
		if _, err := tiny.Verifier.Verify(t.Context(), texts[0]); err != nil {
			t.Error(err)
		}
	}
	if s := tiny.Verifier.Stats(); s.CachedEntries != 0 || s.Argon2Runs != 2 {
		t.Errorf("%+v", s)
	}
	if err := apikey.AuditCache(keys.Verifier); err != nil {
		t.Error(err)
	}
}

// A hot key is spared when many others pass by once.
func TestHotKeysStay(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 160 << 10}})
	var hot, once []string
	for range 50 {
		_, text := keys.Create(t, apikey.CreateParams{})
		hot = append(hot, text)
	}
	for range 1500 {
		_, text := keys.Create(t, apikey.CreateParams{})
		once = append(once, text)
	}
	for range 2 {
		for _, text := range hot {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	warm, presented := keys.Verifier.Stats().Warm, uint64(0)
	for i, text := range once {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			if _, err := keys.Verifier.Verify(t.Context(), hot[i/2%len(hot)]); err != nil {
				t.Fatal(err)
			}
			presented++
		}
	}
	if s := keys.Verifier.Stats(); s.CachedEntries > 400 || s.Warm-warm < presented*95/100 {
		t.Errorf("%d of %d hot calls were warm, %d entries", s.Warm-warm, presented, s.CachedEntries)
	}
	if err := apikey.AuditCache(keys.Verifier); err != nil {
		t.Error(err)
	}
}

// What Lookup keeps is counted, too.
func TestLookupIsBounded(t *testing.T) {
	t.Parallel()
	const bound = 512 << 10
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: bound}})
	claims := []byte(`"` + strings.Repeat("x", 16000) + `"`)
	for range 100 {
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Claims: claims}); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Verifier.Lookup(t.Context(), key.ID()); err != nil {
			t.Fatal(err)
		}
		if s := keys.Verifier.Stats(); s.CachedBytes > bound {
			t.Fatalf("%d bytes", s.CachedBytes)
		}
	}
	if s := keys.Verifier.Stats(); s.CachedEntries > bound/16000 {
		t.Errorf("%d entries with 16 kB of claims each in %d bytes", s.CachedEntries, bound)
	}
	if err := apikey.AuditCache(keys.Verifier); err != nil {
		t.Error(err)
	}
}
