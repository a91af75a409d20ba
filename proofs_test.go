package apikey_test

import (
	"errors"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
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

// A MAC says nothing of the hash beside it: with the MAC taken away, argon2 decides.
func TestMACProvesNoHash(t *testing.T) {
	t.Parallel()
	ring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring}})
	one, text := keys.Create(t, apikey.CreateParams{})
	other, _ := keys.Create(t, apikey.CreateParams{})
	var hash string
	edit(t, keys.Store, other, func(r *apikey.Record) { hash = r.Credentials[0].Hash })
	edit(t, keys.Store, one, func(r *apikey.Record) { r.Credentials[0].Hash = hash })
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil { // by the MAC
		t.Fatal(err)
	}
	edit(t, keys.Store, one, func(r *apikey.Record) { r.Credentials[0].MAC, r.Credentials[0].MACKey = nil, 0 })
	if _, err := keys.Verifier.Verify(t.Context(), text); !errors.Is(err, apikey.ErrUnknown) {
		t.Errorf("%v, though the hash is another secret's", err)
	}
	if n := keys.Verifier.Stats().Argon2Runs; n != 1 {
		t.Errorf("%d argon2 runs", n)
	}
}

// Ids are public: looking them up pushes nothing out, also when what is cached was distrusted.
func TestLookupPushesNothingOut(t *testing.T) {
	t.Parallel()
	store := &gaps{Store: memstore.New()}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{CacheBytes: 256 << 10}})
	var all []string
	for range 800 {
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		all = append(all, key.ID())
	}
	before := keys.Verifier.Stats()
	store.told(apikey.Change{Gap: true})
	for _, id := range all {
		if _, err := keys.Verifier.Lookup(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if after := keys.Verifier.Stats(); after.CachedEntries != before.CachedEntries || after.CachedBytes != before.CachedBytes || before.CachedEntries > 700 {
		t.Errorf("%d entries in %d bytes before, %d in %d after", before.CachedEntries, before.CachedBytes, after.CachedEntries, after.CachedBytes)
	}
	reads := keys.Verifier.Stats().StoreReads
	if _, err := keys.Verifier.Lookup(t.Context(), all[799]); err != nil || keys.Verifier.Stats().StoreReads != reads {
		t.Errorf("%v, or it was not kept", err)
	}
}

// gaps is a store that can lose changes.
type gaps struct {
	*memstore.Store
	told func(apikey.Change)
}

func (s *gaps) Watch(told func(apikey.Change)) func() {
	s.told = told
	return s.Store.Watch(told)
}

// Whoever writes over a Key that Verify returned breaks neither the cache nor a revocation.
func TestOverwrittenKeys(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 32 << 10}})
	a, text := keys.Create(t, apikey.CreateParams{})
	_, other := keys.Create(t, apikey.CreateParams{})
	ka, err := keys.Verifier.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := keys.Verifier.Verify(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	*ka, *kb = *kb, apikey.Key{}
	if _, err := keys.Issuer.Revoke(t.Context(), a.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); !errors.Is(err, apikey.ErrRevoked) {
		t.Errorf("%v after Revoke", err)
	}
	for range 100 { // so that both are evicted
		_, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
}
