package apikey_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// A secret that was rotated away is not current, also where Verify has another reason to refuse it: an expired or
// disabled key may come back, and that secret does not come back with it.
func TestRecognizeRotatedAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		keys := apikeytest.New(t, nil)
		for name, c := range map[string]struct {
			end     func(id string) error
			current error
		}{
			"expired": {func(string) error { time.Sleep(time.Hour); return nil }, apikey.ErrExpired},
			"disabled": {func(id string) error {
				r := stored(t, keys.Store, id)
				r.Disabled = true
				return keys.Store.Replace(ctx, r)
			}, apikey.ErrDenied},
		} {
			key, first := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Hour})
			_, second, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{})
			if err != nil {
				t.Fatal(err)
			}
			_, third, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if name == "disabled" { // within the grace
				if _, err := keys.Verifier.Recognize(ctx, second.Reveal()); err != nil {
					t.Error(err)
				}
			}
			if err := c.end(key.ID()); err != nil {
				t.Fatal(err)
			}
			_, err = keys.Verifier.Recognize(ctx, first)
			wantRejection(t, name+", rotated away", err, apikey.ErrUnknown)
			var rejected *apikey.RejectedError
			if !errors.As(err, &rejected) || rejected.KeyID != key.ID() {
				t.Errorf("%s: %v does not name the key", name, err)
			}
			_, err = keys.Verifier.Recognize(ctx, third.Reveal())
			wantRejection(t, name+", current", err, c.current)
			graced := c.current
			if name == "expired" {
				graced = apikey.ErrUnknown
			}
			_, err = keys.Verifier.Recognize(ctx, second.Reveal())
			wantRejection(t, name+", with a grace of a minute", err, graced)
			_, err = keys.Verifier.Verify(ctx, first)
			wantRejection(t, "Verify, "+name, err, c.current)
		}
	})
}
