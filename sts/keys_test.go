package sts_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

const keysValue = "sts/signing-keys/EdDSA/" + issuer

// published returns the kids of the set, and how long it may be kept.
func (f *fixture) published(t testing.TB) (kids []string, keep time.Duration) {
	t.Helper()
	w := f.get("/.well-known/jwks.json")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() || !key.Valid() || key.Use != "sig" || key.Algorithm != "EdDSA" && key.Algorithm != "ES256" {
			t.Fatalf("%s", w.Body)
		}
		kids = append(kids, key.KeyID)
	}
	seconds, err := strconv.Atoi(strings.TrimPrefix(w.Header().Get("Cache-Control"), "public, max-age="))
	if err != nil {
		t.Fatal(w.Header())
	}
	return kids, time.Duration(seconds) * time.Second
}

// kid returns that of a token.
func kid(t testing.TB, token string) string {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return signed.Signatures[0].Header.KeyID
}

// The schedule, with the default rotation: whoever keeps a set for as long as it is told to always has the key of a
// token that is alive, and a key that is not needed any more is gone.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{Keyring: keyring(t, 1), TTL: 15 * time.Minute})
		_, text := f.Create(t, apikey.CreateParams{})
		here := f.verifier(t)
		var cached []string // by somebody who goes by max-age alone
		var until time.Time
		type signed struct {
			token string
			until time.Time
		}
		var alive []signed
		var signers []string
		most := 0
		for start := time.Now(); time.Since(start) < 73*time.Hour; time.Sleep(181 * time.Second) {
			if !time.Now().Before(until) {
				var keep time.Duration
				cached, keep = f.published(t)
				if keep < time.Minute || keep > 5*time.Minute {
					t.Fatalf("it may be kept for %v", keep)
				}
				until = time.Now().Add(keep)
				most = max(most, len(cached))
			}
			token := f.exchange(t, text, sts.ExchangeParams{})
			k := kid(t, token)
			if len(signers) == 0 || signers[len(signers)-1] != k {
				signers = append(signers, k)
			}
			alive = append(alive, signed{token, time.Now().Truncate(time.Second).Add(15 * time.Minute)})
			alive = slices.DeleteFunc(alive, func(s signed) bool { return !time.Now().Before(s.until) })
			for _, s := range []signed{alive[0], alive[len(alive)-1]} {
				if !slices.Contains(cached, kid(t, s.token)) {
					t.Fatalf("after %v: the cached set does not have the key of a token that lives until %v", time.Since(start), s.until)
				}
				wantAlive(t, "here", here, s.token)
			}
		}
		if len(signers) != 4 || most != 2 {
			t.Errorf("%d keys signed in 73 hours, and at most %d were published", len(signers), most)
		}
		if now, _ := f.published(t); len(now) != 1 {
			t.Errorf("%d keys an hour after a rotation", len(now))
		}
	})
}

// A service that nobody asked for a long time goes on with the old key until the new one is known.
func TestRotationAfterAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{Keyring: keyring(t, 1)})
		_, text := f.Create(t, apikey.CreateParams{})
		first := kid(t, f.exchange(t, text, sts.ExchangeParams{}))
		time.Sleep(30 * 24 * time.Hour)
		known, keep := f.published(t)
		for range int(keep/time.Second) / 10 {
			if k := kid(t, f.exchange(t, text, sts.ExchangeParams{})); k != first || !slices.Contains(known, k) {
				t.Fatal("another key signs, too early")
			}
			time.Sleep(10 * time.Second)
		}
		time.Sleep(15 * time.Minute)
		if k := kid(t, f.exchange(t, text, sts.ExchangeParams{})); k == first || !slices.Contains(known, k) {
			t.Error("the old key signs, or one that was not published")
		}
	})
}

// Who signs at the same time, or for the first time at the same time, signs with the same keys. Other issuers and
// algorithms have others.
func TestOneSet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, ring := memstore.New(), keyring(t, 1)
		var all []*fixture
		for range 8 {
			all = append(all, newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Rotation: time.Hour}))
		}
		_, text := all[0].Create(t, apikey.CreateParams{})
		for range 4 * 11 {
			tokens, sets := make([]string, len(all)), make([]string, len(all))
			var wg sync.WaitGroup
			for i, f := range all {
				wg.Go(func() {
					sets[i] = f.get("/.well-known/jwks.json").Body.String()
					tokens[i] = f.exchange(t, text, sts.ExchangeParams{})
				})
			}
			wg.Wait()
			for i, f := range all {
				wantAlive(t, "of a neighbour", f.verifier(t), tokens[(i+1)%len(all)])
				if kid(t, tokens[i]) != kid(t, tokens[0]) {
					t.Fatal("two keys sign at a time")
				}
			}
			// One that has just read the set may have the next key before the others read it, too.
			time.Sleep(30 * time.Second)
			for _, f := range all {
				if set := f.get("/.well-known/jwks.json").Body.String(); set != all[0].get("/.well-known/jwks.json").Body.String() {
					t.Fatal("two sets are published")
				}
			}
			time.Sleep(5*time.Minute + 30*time.Second)
		}
		es := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Algorithm: sts.ES256})
		other := newFixtureOf(t, "https://other.example.com", &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
		ours, _ := all[0].published(t)
		for _, f := range []*fixture{es, other} {
			theirs, _ := f.published(t)
			if len(theirs) != 1 || slices.Contains(ours, theirs[0]) {
				t.Errorf("%q beside %q", theirs, ours)
			}
		}
		wantAlive(t, "ES256", es.verifier(t), es.exchange(t, text, sts.ExchangeParams{}))
	})
}

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
		time.Sleep(30 * time.Second)
		wantDead(t, "the new one, elsewhere on the store", one.verifier(t), token, apikey.ErrUnknown)
		wantAlive(t, "the newest", one.verifier(t), two.exchange(t, text, sts.ExchangeParams{}))
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
		if _, err := service.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

// Each call of the store fails once, before it is done and after: then there is no token and no set, or they are
// good, and the next try is.
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
