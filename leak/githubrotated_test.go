package leak_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// A secret that was rotated away is true and harmless: its key is left alone, also one that is expired or disabled, as
// its current secret, which nobody has found, may work again.
func TestGitHubRotatedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		keys := apikeytest.New(t, nil)
		signer := newGitHubKey(t)
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
		for what, end := range map[string]func(id string){
			"valid":    func(string) {},
			"expired":  func(string) { time.Sleep(2 * time.Hour) },
			"disabled": func(id string) { disable(t, keys, id) },
		} {
			key, old := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Hour})
			_, fresh, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{})
			if err != nil {
				t.Fatal(err)
			}
			end(key.ID())
			for n, text := range []string{old, fresh.Reveal()} {
				if said := labels(t, h, signer, findsOf(text)); said[0] != truePositive {
					t.Errorf("%s: secret %d: %v", what, n+1, said)
				}
				if is, err := keys.Issuer.Get(ctx, key.ID()); err != nil || is.Revoked() != (n == 1) {
					t.Errorf("%s: after secret %d: %v %v", what, n+1, is, err)
				}
			}
		}
	})
}

// disable sets what only a program beside the library sets.
func disable(t *testing.T, keys *apikeytest.Keys, id string) {
	t.Helper()
	_, rid, err := apikey.ParseKeyID(id)
	if err != nil {
		t.Fatal(err)
	}
	record, err := keys.Store.Get(t.Context(), rid)
	if err != nil {
		t.Fatal(err)
	}
	record.Disabled = true
	if err := keys.Store.Replace(t.Context(), record); err != nil {
		t.Fatal(err)
	}
}
