package apikey_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// What was evicted comes back without argon2, and hundreds of others do not push that out.
func TestEvictedKeysComeBackWithoutArgon2(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 256 << 10}})
	var texts []string
	for range 900 {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts = append(texts, text)
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	before := keys.Verifier.Stats()
	if before.CachedEntries > 600 || before.Argon2Runs != 900 || before.CachedBytes > 256<<10 {
		t.Fatalf("%+v", before)
	}
	for _, text := range texts[:300] {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	after := keys.Verifier.Stats()
	if runs := after.Argon2Runs - before.Argon2Runs; runs > 15 || after.StoreReads-before.StoreReads < 250 || after.CachedBytes > 256<<10 {
		t.Errorf("%d argon2 runs, %d reads for 300 keys that came back, %d bytes", runs, after.StoreReads-before.StoreReads, after.CachedBytes)
	}
}

// A proof is of one secret and one hash: neither another secret with a true tag nor another hash profits by it.
func TestProofsAreOfOneSecretAndHash(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 64 << 10}})
	seed := func() []byte {
		keys.Create(t, apikey.CreateParams{})
		seed, err := keys.Store.Value(t.Context(), "seed")
		if err != nil {
			t.Fatal(err)
		}
		return seed
	}()
	key, text := keys.Create(t, apikey.CreateParams{})
	evict := func() {
		t.Helper()
		for range 200 {
			_, other := keys.Create(t, apikey.CreateParams{})
			if _, err := keys.Verifier.Verify(t.Context(), other); err != nil {
				t.Fatal(err)
			}
		}
	}
	runs := func(text string, accepted bool) uint64 {
		t.Helper()
		before := keys.Verifier.Stats()
		if _, err := keys.Verifier.Verify(t.Context(), text); (err == nil) != accepted {
			t.Fatal(err)
		}
		after := keys.Verifier.Stats()
		if after.Warm != before.Warm {
			t.Fatal("it was not evicted")
		}
		return after.Argon2Runs - before.Argon2Runs
	}
	if runs(text, true) != 1 {
		t.Error("the first time is not by argon2")
	}
	evict()
	if n := runs(text, true); n != 0 {
		t.Errorf("%d argon2 runs for what came back", n)
	}
	evict()
	if n := runs(apikey.Forge(seed, text, [24]byte{1}), false); n != 1 {
		t.Errorf("%d argon2 runs for another secret", n)
	}
	_, rotated, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
	if err != nil {
		t.Fatal(err)
	}
	evict()
	if n := runs(text, false); n != 0 {
		t.Errorf("%d argon2 runs for a secret that was rotated away", n)
	}
	if n := runs(rotated.Reveal(), true); n != 1 {
		t.Errorf("%d argon2 runs for the new secret", n)
	}
}

// Whoever can write the store can put another hash in the place of one that was proven: it counts for nothing.
func TestProofsDoNotOutliveTheHash(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	one, text := keys.Create(t, apikey.CreateParams{})
	other, _ := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	var hash string
	edit(t, keys.Store, other, func(r *apikey.Record) { hash = r.Credentials[0].Hash })
	edit(t, keys.Store, one, func(r *apikey.Record) { r.Credentials[0].Hash = hash })
	if _, err := keys.Verifier.Verify(t.Context(), text); err == nil {
		t.Error("accepted, though the hash is another secret's")
	}
}
