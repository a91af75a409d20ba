package apikey_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// A hash that costs less than Rehash asks for is lifted once argon2 has run; the secret
// stays warm through it.
func TestRehash(t *testing.T) {
	t.Parallel()
	target := hash.Params{Memory: 64, Time: 2, Threads: 1}
	for name, c := range map[string]struct {
		had    hash.Params
		lifted bool
	}{
		"cheaper":      {hash.Params{Memory: 8, Time: 1, Threads: 1}, true},
		"less memory":  {hash.Params{Memory: 32, Time: 2, Threads: 1}, true},
		"the same":     {target, false},
		"costlier":     {hash.Params{Memory: 128, Time: 2, Threads: 1}, false},
		"one over":     {hash.Params{Memory: 8, Time: 3, Threads: 1}, false},
		"threads over": {hash.Params{Memory: 32, Time: 1, Threads: 2}, false},
	} {
		for _, watched := range []bool{true, false} {
			store := memstore.New()
			o := apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Rehash: target}}
			if !watched {
				o.Store = unwatched{store}
			}
			o.Issuer.Argon2 = c.had
			keys := apikeytest.New(t, &o)
			key, text := keys.Create(t, apikey.CreateParams{})
			before := stored(t, store, key.ID())
			for range 3 {
				if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			after := stored(t, store, key.ID())
			d, err := hash.Parse(after.Credentials[0].Hash)
			if err != nil {
				t.Fatal(err)
			}
			want, runs := c.had, uint64(1)
			if c.lifted {
				want, runs = target, 2
			}
			if d.Params() != want || keys.Verifier.Stats().Argon2Runs != runs || !after.UpdatedAt.Equal(before.UpdatedAt) {
				t.Errorf("%s, watched %v: %+v after %d runs", name, watched, d.Params(), keys.Verifier.Stats().Argon2Runs)
			}
			fresh := apikeytest.New(t, &apikeytest.Options{Store: store})
			if _, err := fresh.Verifier.Verify(t.Context(), text); err != nil {
				t.Errorf("%s: after lifting: %v", name, err)
			}
		}
	}
}
