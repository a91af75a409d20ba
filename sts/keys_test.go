package sts_test

import (
	"encoding/json"
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
