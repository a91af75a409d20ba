package httpauth_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// A secret in its grace says since when it is on the way out, and when it will be gone; the new
// one, and one that was never rotated, say nothing.
func TestGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		key, first := keys.Create(t, apikey.CreateParams{})
		auth := httpauth.Middleware(keys.Verifier, nil)(whoami)
		forward := httpauth.Forward(keys.Verifier, nil)
		want := func(what, text, deprecation, sunset string) {
			t.Helper()
			for name, h := range map[string]http.Handler{"Middleware": auth, "Forward": forward} {
				w := serve(h, request(t, "X-API-Key", text))
				if w.Code >= 300 || w.Header().Get("Deprecation") != deprecation || w.Header().Get("Sunset") != sunset {
					t.Errorf("%s, %s: %d %v, want %q and %q", what, name, w.Code, w.Header(), deprecation, sunset)
				}
			}
		}
		rotate := func(grace time.Duration) (text, at, end string) {
			t.Helper()
			time.Sleep(time.Minute + 700*time.Millisecond) // of the bubble's clock
			now := time.Now()
			_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: grace})
			if err != nil {
				t.Fatal(err)
			}
			return secret.Reveal(), "@" + strconv.FormatInt(now.Unix(), 10), now.Add(grace).UTC().Format(http.TimeFormat)
		}

		want("never rotated", first, "", "")
		second, rotated, sunset := rotate(time.Hour)
		want("first", first, rotated, sunset)
		want("second", second, "", "")
		third, rotatedAgain, sunsetOfSecond := rotate(2 * time.Hour)
		want("first, after another", first, rotated, sunset) // what the first was replaced by is the second
		want("second, rotated", second, rotatedAgain, sunsetOfSecond)
		want("third", third, "", "")

		time.Sleep(time.Hour)
		if w := serve(auth, request(t, "X-API-Key", first)); w.Code != 401 || w.Header().Get("Sunset") != "" {
			t.Errorf("after its grace: %d %v", w.Code, w.Header())
		}
		want("second, later", second, rotatedAgain, sunsetOfSecond)
	})
}

// A secret does not outlive its key, whatever grace it was given.
func TestGraceUntilExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		expires := time.Now().Add(time.Hour)
		key, first := keys.Create(t, apikey.CreateParams{ExpiresAt: expires})
		if _, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: 48 * time.Hour}); err != nil {
			t.Fatal(err)
		}
		h := httpauth.Middleware(keys.Verifier, nil)(whoami)
		w := serve(h, request(t, "X-API-Key", first))
		if got := w.Header().Get("Sunset"); w.Code != 200 || got != expires.UTC().Format(http.TimeFormat) {
			t.Errorf("%d %q, want %v", w.Code, got, expires)
		}
		time.Sleep(time.Hour) // of the bubble's clock
		if w := serve(h, request(t, "X-API-Key", first)); w.Code != 401 {
			t.Errorf("%d", w.Code)
		}
	})
}
