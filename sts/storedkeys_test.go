package sts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Without a keyring nothing gets into the store, and nobody else has the keys.
func TestKeysInMemory(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	one := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{})
	two := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{})
	_, text := one.Create(t, apikey.CreateParams{})
	token := one.exchange(t, text, sts.ExchangeParams{})
	wantAlive(t, "its own", one.verifier(t), token)
	wantDead(t, "the other's", two.verifier(t), token, apikey.ErrUnknown)
	if v, err := store.Value(t.Context(), keysValue); v != nil || err != nil {
		t.Errorf("%d bytes are in the store, %v", len(v), err)
	}
}

// What is stored is sealed, and whoever can write it without the keyring can't make it say something else: not
// another key, not when one signs, not in the name of another issuer or algorithm.
func TestStoredKeysCantBeChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, ring := memstore.New(), keyring(t, 1)
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Rotation: time.Hour})
		_, text := f.Create(t, apikey.CreateParams{})
		f.exchange(t, text, sts.ExchangeParams{})
		time.Sleep(46 * time.Minute) // the next is published
		if kids, _ := f.published(t); len(kids) != 2 {
			t.Fatalf("%d keys", len(kids))
		}
		good, err := store.Value(t.Context(), keysValue)
		if err != nil {
			t.Fatal(err)
		}
		type storedKey struct {
			ID     string `json:"kid"`
			Alg    string `json:"alg"`
			From   int64  `json:"from"`
			Sealed []byte `json:"sealed"`
		}
		type storedSet struct {
			Version int         `json:"version"`
			Keys    []storedKey `json:"keys"`
			More    string      `json:"more,omitempty"`
		}
		edited := func(edit func(*storedSet)) []byte {
			var s storedSet
			if err := json.Unmarshal(good, &s); err != nil || len(s.Keys) != 2 {
				t.Fatalf("%s, %v", good, err)
			}
			edit(&s)
			data, _ := json.Marshal(s)
			return data
		}
		// One that is sealed under the same keyring, for another issuer.
		other := newFixtureOf(t, "https://other.example.com", &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
		other.published(t)
		others, _ := store.Value(t.Context(), "sts/signing-keys/EdDSA/https://other.example.com")
		var theirs storedSet
		if err := json.Unmarshal(others, &theirs); err != nil {
			t.Fatal(err)
		}
		present := good
		for what, value := range map[string][]byte{
			"no JSON":            []byte("x"),
			"empty":              {},
			"no keys":            []byte(`{"version":1,"keys":[]}`),
			"another version":    edited(func(s *storedSet) { s.Version = 2 }),
			"a member more":      edited(func(s *storedSet) { s.More = "x" }),
			"another kid":        edited(func(s *storedSet) { s.Keys[1].ID = s.Keys[0].ID }),
			"an earlier time":    edited(func(s *storedSet) { s.Keys[1].From-- }),
			"another algorithm":  edited(func(s *storedSet) { s.Keys[1].Alg = "ES256" }),
			"in another order":   edited(func(s *storedSet) { slices.Reverse(s.Keys) }),
			"another seal":       edited(func(s *storedSet) { s.Keys[1].Sealed = s.Keys[0].Sealed }),
			"a bit of a seal":    edited(func(s *storedSet) { s.Keys[1].Sealed[30] ^= 1 }),
			"no seal":            edited(func(s *storedSet) { s.Keys[1].Sealed = nil }),
			"of another issuer":  edited(func(s *storedSet) { s.Keys[1] = theirs.Keys[0] }),
			"another issuer's":   others,
			"of another keyring": reseal(t, store),
		} {
			if err := store.SwapValue(t.Context(), keysValue, present, value); err != nil {
				t.Fatal(err)
			}
			present = value
			fresh := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Rotation: time.Hour})
			if w := fresh.get("/.well-known/jwks.json"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
			if token, err := fresh.service.Exchange(t.Context(), text, sts.ExchangeParams{}); token != nil || !errors.Is(err, apikey.ErrUnavailable) {
				t.Errorf("%s: %v, %v", what, token, err)
			}
			if now, _ := store.Value(t.Context(), keysValue); !bytes.Equal(now, value) {
				t.Errorf("%s: it was written over", what)
			}
		}
		if err := store.SwapValue(t.Context(), keysValue, present, good); err != nil {
			t.Fatal(err)
		}
		fresh := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Rotation: time.Hour})
		if kids, _ := fresh.published(t); len(kids) != 2 {
			t.Errorf("control: %d keys", len(kids))
		}
	})
}

// reseal returns what another keyring would have stored.
func reseal(t *testing.T, _ apikey.Store) []byte {
	store := memstore.New()
	f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 2), Rotation: time.Hour})
	f.published(t)
	value, err := store.Value(t.Context(), keysValue)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Keys that have leaked, and those of a keyring that is lost, are replaced.
func TestDiscardKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		lost := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		_, text := lost.Create(t, apikey.CreateParams{})
		old := lost.exchange(t, text, sts.ExchangeParams{})
		one := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 2)})
		if _, err := one.service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrUnavailable) || !errors.Is(err, apikey.ErrSealed) {
			t.Fatal(err)
		}
		if err := one.service.DiscardKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		two := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 2)})
		token := one.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "the new one", two.verifier(t), token)
		wantDead(t, "the old one", one.verifier(t), old, apikey.ErrUnknown)

		if err := two.service.DiscardKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantDead(t, "the new one, where they were discarded", two.verifier(t), token, apikey.ErrUnknown)
		time.Sleep(time.Second)
		wantAlive(t, "the newest", one.verifier(t), two.exchange(t, text, sts.ExchangeParams{}))
		wantDead(t, "the new one, elsewhere on the store", one.verifier(t), token, apikey.ErrUnknown)
	})
}

// A keyring's key that was rolled is needed as long as what it has sealed.
func TestKeyringIsRolled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		a, b := make([]byte, 32), bytes.Repeat([]byte{1}, 32)
		rolled, err := apikey.NewKeyring(b, a)
		if err != nil {
			t.Fatal(err)
		}
		gone, err := apikey.NewKeyring(b)
		if err != nil {
			t.Fatal(err)
		}
		before, err := apikey.NewKeyring(a)
		if err != nil {
			t.Fatal(err)
		}
		with := func(ring *apikey.Keyring) *fixture {
			return newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
		}
		f := with(before)
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "rolled", with(rolled).verifier(t), token)
		wantDead(t, "gone too early", with(gone).verifier(t), token, apikey.ErrUnavailable)
		f = with(rolled)
		for range 25 {
			f.exchange(t, text, sts.ExchangeParams{})
			time.Sleep(time.Hour)
		}
		wantAlive(t, "gone after Rotation and an hour", with(gone).verifier(t), f.exchange(t, text, sts.ExchangeParams{}))
	})
}
