package sts_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

const (
	issuer   = "https://auth.example.com"
	audience = "https://api.example.com"
	admin    = "an-admin-token-of-tests"
)

// quiet is a logger for tests that make things fail.
var quiet = slog.New(slog.DiscardHandler)

// fixture is a service with its keys.
type fixture struct {
	*apikeytest.Keys
	service *sts.Service
	handler http.Handler
}

func keyring(t testing.TB, n byte) *apikey.Keyring {
	t.Helper()
	key := make([]byte, 32)
	key[0] = n
	ring, err := apikey.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// newFixture returns a service of this issuer, for audience first.
func newFixture(t testing.TB, keys *apikeytest.Options, opts sts.ServiceOptions) *fixture {
	t.Helper()
	return newFixtureOf(t, issuer, keys, opts)
}

func newFixtureOf(t testing.TB, issuer string, keys *apikeytest.Options, opts sts.ServiceOptions) *fixture {
	t.Helper()
	f := &fixture{Keys: apikeytest.New(t, keys)}
	if opts.Audiences == nil {
		opts.Audiences = []string{audience, issuer}
	}
	if opts.Logger == nil {
		opts.Logger = quiet
	}
	var err error
	if f.service, err = sts.NewService(f.Store, f.Verifier, issuer, &opts); err != nil {
		t.Fatal(err)
	}
	if f.handler, err = sts.Handler(f.service, &sts.Options{Tokens: []string{admin}, Issuer: f.Issuer, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	return f
}

// exchange returns the text of a token for a key.
func (f *fixture) exchange(t testing.TB, key string, p sts.ExchangeParams) string {
	t.Helper()
	token, err := f.service.Exchange(t.Context(), key, p)
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

func (f *fixture) verifier(t testing.TB) *sts.Verifier {
	t.Helper()
	v, err := f.service.Verifier("")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// post sends a form, with a user and a password if there are two more.
func (f *fixture) post(t testing.TB, path string, values url.Values, basic ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) == 2 {
		r.SetBasicAuth(url.QueryEscape(basic[0]), url.QueryEscape(basic[1]))
	}
	return f.serve(r)
}

func (f *fixture) get(path string) *httptest.ResponseRecorder {
	return f.serve(httptest.NewRequest("GET", path, nil))
}

func (f *fixture) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w
}

// introspect asks as the admin.
func (f *fixture) introspect(t testing.TB, token string) map[string]any {
	t.Helper()
	r := httptest.NewRequest("POST", "/oauth/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+admin)
	return decode(t, f.serve(r), http.StatusOK)
}

// decode returns a JSON object that was answered with a status.
func decode(t testing.TB, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	body, _ := io.ReadAll(w.Result().Body)
	var v map[string]any
	if err := json.Unmarshal(body, &v); err != nil || w.Code != status {
		t.Fatalf("%d %s; want %d and an object (%v)", w.Code, body, status, err)
	}
	return v
}

// checked is a Verifier that refuses as long as denied says so.
func checked(denied func() bool) *apikeytest.Options {
	return &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(context.Context, *apikey.Key) error {
		if denied() {
			return apikey.ErrDenied
		}
		return nil
	}}}
}
