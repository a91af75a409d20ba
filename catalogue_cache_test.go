package apikey_test

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// CVE-2022-46146: what a cache of passwords was asked for was put together so that who had the stored hash could log
// in with it. Here all that is stored of a warm key, and the thief's own key text around it, is no credential.
func TestCVE_2022_46146_StoredHashIsNoCredential(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ring := ringOf(t, 1)
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring}})
	key, text := keys.Create(t, apikey.CreateParams{})
	seed, err := store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	c := stored(t, store, key.ID()).Credentials[0]
	parts := strings.Split(c.Hash, "$")
	salt, sum := decoded(t, parts[4]), decoded(t, parts[5])
	for _, heat := range []string{"cold", "warm"} {
		for what, presented := range map[string]string{
			"the PHC string": c.Hash, "behind the hint": c.Hint + c.Hash, "behind the text": text + c.Hash, "before it": c.Hash + text,
			"its sum": parts[5], "the MAC": string(c.MAC), "the hint": c.Hint, "the id": key.ID(), "the seed": string(seed),
		} {
			if _, err := keys.Verifier.Verify(t.Context(), presented); err != apikey.ErrMalformed {
				t.Errorf("%s, %s: %v", heat, what, err)
			}
		}
		for what, bytes := range map[string][]byte{"sum": sum, "the sum's end": sum[8:], "salt and sum": append(salt, sum[:8]...), "MAC": c.MAC, "seed": seed, "PHC string": []byte(c.Hash)[9:]} {
			_, err := keys.Verifier.Verify(t.Context(), apikey.Forge(seed, text, [24]byte(bytes)))
			wantRejection(t, heat+", as the secret under a true tag: "+what, err, apikey.ErrUnknown)
			named, _ := apikey.ParseText(text)
			named.Secret = [24]byte(bytes)
			_, err = keys.Verifier.Verify(t.Context(), named.Text())
			wantRejection(t, heat+", as the secret under the key's own tag: "+what, err, apikey.ErrUnknown)
		}
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Errorf("control: %v", err)
		}
	}
}

// CVE-2022-46146 again: two pairs of name and password that are one when they are put together. Here a key's text is split
// between prefix, id and secret in each other place, and its digits are moved, while the key is warm.
func TestCVE_2022_46146_BoundariesAreNotAmbiguous(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: "a_0"}})
	_, text := keys.Create(t, apikey.CreateParams{})
	seed, err := store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	own, _ := apikey.ParseText(text)
	all := append(bytes.Clone(own.ID[:]), own.Secret[:]...)
	for _, prefix := range []string{"a_0", "a", "a_00", "a_0" + strings.Repeat("0", 21)} {
		for shift := range len(all) {
			moved := append(bytes.Clone(all[shift:]), all[:shift]...)
			other := apikey.Token{Prefix: prefix, ID: apikey.ID(moved[:16]), Secret: [24]byte(moved[16:])}
			if other.Prefix == own.Prefix && other.ID == own.ID {
				continue
			}
			other.Sign(seed, 1)
			_, err := keys.Verifier.Verify(t.Context(), other.Text())
			wantRejection(t, prefix+", moved by "+strconv.Itoa(shift), err, apikey.ErrUnknown)
			other.Tag = own.Tag // by which the cache is searched
			if _, err := keys.Verifier.Verify(t.Context(), other.Text()); err != apikey.ErrUnknown {
				t.Errorf("%s, moved by %d, under the tag of the warm key: %v", prefix, shift, err)
			}
		}
	}
}

// CVE-2026-71326: who asked while another's login was under way got that one's result. Here wrong secrets of the same key
// come while the right one waits for argon2, and keys of one store come all at once.
func TestCVE_2026_71326_FlightsAreNotShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, err := hash.NewGate(1, 100, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		store := memstore.New()
		keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Gate: gate}})
		key, text := keys.Create(t, apikey.CreateParams{})
		_, second, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		seed, err := store.Value(t.Context(), "seed")
		if err != nil {
			t.Fatal(err)
		}
		busy := make(chan struct{})
		go gate.Do(t.Context(), [16]byte{}, func() { <-busy })
		synctest.Wait()
		var wg sync.WaitGroup
		for n := range byte(8) {
			wg.Go(func() {
				if k, err := keys.Verifier.Verify(t.Context(), text); err != nil || k.Number() != 1 {
					t.Errorf("the right secret: %v, %v", k, err)
				}
			})
			wg.Go(func() {
				if k, err := keys.Verifier.Verify(t.Context(), second.Reveal()); err != nil || k.Number() != 2 {
					t.Errorf("the second secret: %v, %v", k, err)
				}
			})
			wg.Go(func() {
				_, err := keys.Verifier.Verify(t.Context(), apikey.Forge(seed, text, [24]byte{n}))
				wantRejection(t, "a wrong secret of the same key", err, apikey.ErrUnknown)
			})
		}
		synctest.Wait()
		close(busy)
		wg.Wait()
	})
	keys := apikeytest.New(t, nil)
	var wg sync.WaitGroup
	for range 32 {
		key, text := keys.Create(t, apikey.CreateParams{})
		for range 4 {
			wg.Go(func() {
				if k, err := keys.Verifier.Verify(t.Context(), text); err != nil || k.ID() != key.ID() {
					t.Errorf("%s was told that it is %v, %v", key.ID(), k, err)
				}
			})
		}
	}
	wg.Wait()
}

// CVE-2026-33496: a cached answer of one issuer stood for another's token. Two Verifiers share a gate, and the stores a seed,
// as a copy of production does: what is warm here says nothing there, nor under another prefix.
func TestCVE_2026_33496_VerifiersDoNotCross(t *testing.T) {
	t.Parallel()
	gate, err := hash.NewGate(2, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	here, there := memstore.New(), memstore.New()
	shared := apikey.VerifierOptions{Gate: gate}
	keys := apikeytest.New(t, &apikeytest.Options{Store: here, Verifier: shared})
	key, text := keys.Create(t, apikey.CreateParams{})
	seed, err := here.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	if err := there.SwapValue(t.Context(), "seed", nil, seed); err != nil {
		t.Fatal(err)
	}
	other := apikeytest.New(t, &apikeytest.Options{Store: there, Verifier: shared})
	for range 2 {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		_, err := other.Verifier.Verify(t.Context(), text)
		wantRejection(t, "a store that has not this key", err, apikey.ErrUnknown)
	}
	copied := stored(t, here, key.ID())
	copied.RevokedAt = copied.CreatedAt
	if err := there.Create(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	_, err = other.Verifier.Verify(t.Context(), text)
	wantRejection(t, "a store in which it is revoked", err, apikey.ErrRevoked)

	token, _ := apikey.ParseText(text)
	token.Prefix = "bk"
	token.Sign(seed, 1)
	_, err = keys.Verifier.Verify(t.Context(), token.Text())
	wantRejection(t, "the same id and secret of another prefix", err, apikey.ErrUnknown)
	_, err = keys.Verifier.Lookup(t.Context(), "bk"+key.ID()[2:])
	wantRejection(t, "the same id of another prefix", err, apikey.ErrUnknown)
	narrow := apikeytest.New(t, &apikeytest.Options{Store: here, Verifier: apikey.VerifierOptions{Gate: gate, Prefixes: []string{"bk"}}})
	if _, err := narrow.Verifier.Verify(t.Context(), text); err != apikey.ErrMalformed {
		t.Errorf("a Verifier of other prefixes: %v", err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Errorf("control: %v", err)
	}
}
