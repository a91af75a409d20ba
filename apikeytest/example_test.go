package apikeytest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// whoami is somebody's handler.
func whoami(v *apikey.Verifier) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, err := v.Verify(r.Context(), r.Header.Get("X-API-Key"))
		switch {
		case errors.Is(err, apikey.ErrRejected):
			w.WriteHeader(http.StatusUnauthorized)
		case err != nil:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.Write([]byte(key.Subject()))
		}
	}
}

func call(v *apikey.Verifier, text string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-API-Key", text)
	w := httptest.NewRecorder()
	whoami(v)(w, r)
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{Subject: "user_1"})
	if w := call(keys.Verifier, text); w.Code != http.StatusOK || w.Body.String() != "user_1" {
		t.Errorf("a good key: %d %q", w.Code, w.Body)
	}
	if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	if w := call(keys.Verifier, text); w.Code != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", w.Code)
	}
}

// A handler must tell a store that is down from a key that is bad.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	down := apikeytest.New(t, &apikeytest.Options{Store: (&storetest.Fault{Call: 1}).Wrap(keys.Store)})
	if w := call(down.Verifier, text); w.Code != http.StatusServiceUnavailable {
		t.Errorf("store down: %d", w.Code)
	}
}
