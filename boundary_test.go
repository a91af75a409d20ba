package apikey_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// An end is the first instant at which it is over, to the millisecond, for a key and for a
// secret in its grace, warm and cold.
func TestG2_EndsToTheMillisecond(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, keys *apikeytest.Keys, id string){
		"expiry": func(t *testing.T, keys *apikeytest.Keys, id string) {
			in := 10 * time.Second
			if _, err := keys.Issuer.Update(t.Context(), id, apikey.UpdateParams{ExpiresIn: &in}); err != nil {
				t.Fatal(err)
			}
		},
		"grace": func(t *testing.T, keys *apikeytest.Keys, id string) {
			if _, _, err := keys.Issuer.Rotate(t.Context(), id, apikey.RotateParams{Grace: 10 * time.Second}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			want := map[string]error{"expiry": apikey.ErrExpired, "grace": apikey.ErrUnknown}[name]
			keys := apikeytest.New(t, nil)
			key, text := keys.Create(t, apikey.CreateParams{})
			end(t, keys, key.ID())
			cold := func() *apikey.Verifier {
				return apikeytest.New(t, &apikeytest.Options{Store: keys.Store}).Verifier
			}
			look := func() error { _, err := keys.Verifier.Lookup(t.Context(), key.ID()); return err }
			time.Sleep(10*time.Second - time.Millisecond)
			for what, v := range map[string]*apikey.Verifier{"cold": keys.Verifier, "another cold": cold()} {
				if _, err := v.Verify(t.Context(), text); err != nil {
					t.Errorf("%s, %s, a millisecond before: %v", name, what, err)
				}
			}
			if err := look(); err != nil {
				t.Errorf("%s, Lookup, a millisecond before: %v", name, err)
			}
			time.Sleep(time.Millisecond)
			for what, v := range map[string]*apikey.Verifier{"warm": keys.Verifier, "cold": cold()} {
				_, err := v.Verify(t.Context(), text)
				wantRejection(t, name+", "+what, err, want)
			}
			if err := look(); name == "expiry" {
				wantRejection(t, "Lookup", err, apikey.ErrExpired)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
