package apikey_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func ringOf(t *testing.T, keys ...byte) *apikey.Keyring {
	t.Helper()
	var all [][]byte
	for _, k := range keys {
		all = append(all, bytes.Repeat([]byte{k}, 32))
	}
	ring, err := apikey.NewKeyring(all[0], all[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// Keyrings save argon2 and decide nothing: whichever the Issuer and the Verifier have, the
// key verifies, and a wrong secret with a true tag does not.
func TestKeyringsCostOnlyTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		issuer, verifier *apikey.Keyring
		argon2           uint64
	}{
		{"none", nil, nil, 1},
		{"issued with, verified without", ringOf(t, 1), nil, 1},
		{"issued without, verified with", nil, ringOf(t, 1), 1},
		{"the same", ringOf(t, 1), ringOf(t, 1), 0},
		{"retired", ringOf(t, 1), ringOf(t, 2, 1), 0},
		{"rolled out as retired first", ringOf(t, 2, 1), ringOf(t, 1, 2), 0},
		{"foreign", ringOf(t, 1), ringOf(t, 2), 1},
	} {
		keys := apikeytest.New(t, &apikeytest.Options{
			Issuer:   apikey.IssuerOptions{Keyring: c.issuer},
			Verifier: apikey.VerifierOptions{Keyring: c.verifier}})
		_, text := keys.Create(t, apikey.CreateParams{})
		for range 2 {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if n := keys.Verifier.Stats().Argon2Runs; n != c.argon2 {
			t.Errorf("%s: argon2 ran %d times", c.name, n)
		}
		seed, err := keys.Store.Value(t.Context(), "seed")
		if err != nil {
			t.Fatal(err)
		}
		_, err = keys.Verifier.Verify(t.Context(), apikey.Forge(seed, text, [24]byte{1}))
		wantRejection(t, c.name, err, apikey.ErrUnknown)
	}
}

// A credential gets a MAC under the current key at its first success, unless it has one under
// a key that is not held here; what is signed verifies without argon2 after a restart.
func TestSignedAtFirstSuccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name             string
		issuer, verifier *apikey.Keyring
		spoil            func(*apikey.Credential)
		signed           bool
	}{
		{"none", nil, ringOf(t, 2), nil, true},
		{"retired", ringOf(t, 1), ringOf(t, 2, 1), nil, true},
		{"wrong", ringOf(t, 2), ringOf(t, 2), func(c *apikey.Credential) { c.MAC[0] ^= 1 }, true},
		{"cut short", ringOf(t, 2), ringOf(t, 2), func(c *apikey.Credential) { c.MAC = c.MAC[:16] }, true},
		{"foreign", ringOf(t, 1), ringOf(t, 2), nil, false},
		{"imported", nil, ringOf(t, 2), func(c *apikey.Credential) { c.Kind = apikey.KindImported }, false},
	} {
		store := memstore.New()
		keys := apikeytest.New(t, &apikeytest.Options{Store: store,
			Issuer: apikey.IssuerOptions{Keyring: c.issuer}, Verifier: apikey.VerifierOptions{Keyring: c.verifier}})
		key, text := keys.Create(t, apikey.CreateParams{})
		if c.spoil != nil {
			r := stored(t, store, key.ID())
			c.spoil(&r.Credentials[0])
			if err := store.Replace(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		before := stored(t, store, key.ID())
		for range 2 {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		after := stored(t, store, key.ID())
		if written := after.Version != before.Version; written != c.signed || after.Credentials[0].Hash != before.Credentials[0].Hash ||
			!after.UpdatedAt.Equal(before.UpdatedAt) {
			t.Errorf("%s: version %d to %d, want a signature %v", c.name, before.Version, after.Version, c.signed)
		}
		restarted := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 2)}})
		if _, err := restarted.Verifier.Verify(t.Context(), text); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if n := restarted.Verifier.Stats().Argon2Runs; (n == 0) != c.signed {
			t.Errorf("%s: argon2 ran %d times after a restart", c.name, n)
		}
	}
}

// With RequireMAC, whoever can write the store but lacks the keyring can't plant a working key.
func TestRequireMAC(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 1)
	for name, plant := range map[string]func(*apikey.Credential){
		"no MAC":              func(c *apikey.Credential) { c.MAC, c.MACKey = nil, 0 },
		"empty MAC":           func(c *apikey.Credential) { c.MAC = []byte{} },
		"a wrong MAC":         func(c *apikey.Credential) { c.MAC[5] ^= 1 },
		"a short MAC":         func(c *apikey.Credential) { c.MAC = c.MAC[:31] },
		"a foreign MAC":       func(c *apikey.Credential) { c.MACKey++ },
		"said to be imported": func(c *apikey.Credential) { c.Kind = apikey.KindImported },
	} {
		store := memstore.New()
		keys := apikeytest.New(t, &apikeytest.Options{Store: store,
			Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring, RequireMAC: true}})
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		r := stored(t, store, key.ID())
		plant(&r.Credentials[0])
		if err := store.Replace(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		planted := stored(t, store, key.ID())
		for _, v := range []*apikey.Verifier{keys.Verifier,
			apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ring, RequireMAC: true}}).Verifier} {
			_, err := v.Verify(t.Context(), text)
			wantRejection(t, name, err, apikey.ErrUnknown)
			if n := v.Stats().Argon2Runs; n != 0 {
				t.Errorf("%s: argon2 ran %d times", name, n)
			}
		}
		if now := stored(t, store, key.ID()); now.Version != planted.Version {
			t.Errorf("%s: it was signed", name)
		}
	}
	// One who has the whole store, seed and all, and plants a key of his own making, hash included.
	attacker := memstore.New()
	theirs := apikeytest.New(t, &apikeytest.Options{Store: attacker})
	_, text := theirs.Create(t, apikey.CreateParams{})
	lax := apikeytest.New(t, &apikeytest.Options{Store: attacker, Verifier: apikey.VerifierOptions{Keyring: ring}})
	strict := apikeytest.New(t, &apikeytest.Options{Store: unwatched{attacker}, Verifier: apikey.VerifierOptions{Keyring: ring, RequireMAC: true}})
	_, err := strict.Verifier.Verify(t.Context(), text)
	wantRejection(t, "planted", err, apikey.ErrUnknown)
	if _, err := lax.Verifier.Verify(t.Context(), text); err != nil {
		t.Errorf("control: without RequireMAC a planted key works, and did not: %v", err)
	}
	// A retired key's MAC is a MAC, and is renewed.
	rolled := memstore.New()
	old := apikeytest.New(t, &apikeytest.Options{Store: rolled, Issuer: apikey.IssuerOptions{Keyring: ringOf(t, 1)}})
	key, text := old.Create(t, apikey.CreateParams{})
	v := apikeytest.New(t, &apikeytest.Options{Store: rolled, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 2, 1), RequireMAC: true}}).Verifier
	before := stored(t, rolled, key.ID()).Credentials[0]
	if _, err := v.Verify(t.Context(), text); err != nil {
		t.Error(err)
	}
	if after := stored(t, rolled, key.ID()).Credentials[0]; after.MACKey == before.MACKey {
		t.Error("a MAC under a retired key was not renewed")
	}
}

// Signing again is worth nothing but time: its failure fails nothing, and it is bounded in rate.
func TestSigningMayFail(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{apikey.ErrConflict, apikey.ErrNotFound, errors.New("disk full")} {
		inner := memstore.New()
		store := &failingReplace{counted: count(inner), err: failure}
		keys := apikeytest.New(t, &apikeytest.Options{Store: inner, Issuer: apikey.IssuerOptions{}})
		v := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 1)}}).Verifier
		_, text := keys.Create(t, apikey.CreateParams{})
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Errorf("%v: %v", failure, err)
		}
		if store.writes.Load() == 0 {
			t.Error("nothing was tried")
		}
	}
}

type failingReplace struct {
	*counted
	err error
}

func (f *failingReplace) Replace(context.Context, *apikey.Record) error {
	f.writes.Add(1)
	return f.err
}

// After a roll-out every credential asks for a new MAC: the writes are bounded, and each gets
// its turn when it is next read.
func TestSigningIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := count(memstore.New())
		keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 1)}})
		var texts []string
		for range 100 {
			_, text := keys.Create(t, apikey.CreateParams{})
			texts = append(texts, text)
		}
		for _, text := range texts {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Error(err)
			}
		}
		if n := store.writes.Load(); n != 1 {
			t.Errorf("%d writes at one instant", n)
		}
		restarted := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 1)}})
		for _, text := range texts {
			time.Sleep(20 * time.Millisecond)
			if _, err := restarted.Verifier.Verify(t.Context(), text); err != nil {
				t.Error(err)
			}
		}
		if n := store.writes.Load(); n != 100 {
			t.Errorf("%d writes, want one for each key", n)
		}
	})
}
