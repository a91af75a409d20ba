package openapi_test

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

const (
	token   = "test-admin-token-0001"
	subject = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"
	other   = "org_2xhFjEI5X2qWRvtV13BzSj8H6Dk"
	unknown = "ak_00000000000000000000000000000000"
)

// api is a handler, and what is behind it.
type api struct {
	http.Handler
	*apikeytest.Keys
}

func newAPI(t testing.TB, opts httpapi.Options, keyOpts *apikeytest.Options) api {
	t.Helper()
	keys := apikeytest.New(t, keyOpts)
	opts.Logger = slog.New(slog.DiscardHandler)
	opts.AllowSubjectChange = true
	if opts.Authorize == nil {
		opts.Tokens = []string{token}
	}
	h, err := httpapi.New(keys.Issuer, keys.Verifier, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return api{h, keys}
}

// call makes a request with the token, and with headers, given as name, value, name, value.
func (a api) call(ctx context.Context, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	path, query, _ := strings.Cut(target, "?")
	r := httptest.NewRequestWithContext(ctx, method, "/", strings.NewReader(body))
	r.URL.Path, r.URL.RawQuery = path, query
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// serve returns the document that a serves.
func (a api) serve(t testing.TB) []byte {
	t.Helper()
	w := a.call(t.Context(), "GET", "/openapi.json", "", "Authorization", "")
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// served returns the document as it is served by default.
func served(t testing.TB) []byte {
	t.Helper()
	return newAPI(t, httpapi.Options{}, nil).serve(t)
}

func parsed(t testing.TB, text []byte) *document {
	t.Helper()
	d, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// create makes a key of the subject.
func (a api) create(t testing.TB, name string) (id, secret string) {
	t.Helper()
	key, secret := a.Keys.Create(t, apikey.CreateParams{Subject: subject, Name: name})
	return key.ID(), secret
}

// record returns what is stored of a key.
func (a api) record(t testing.TB, id string) *apikey.Record {
	t.Helper()
	var rid apikey.ID
	if _, err := hex.Decode(rid[:], []byte(id[strings.LastIndex(id, "_")+1:])); err != nil {
		t.Fatal(err)
	}
	r, err := a.Store.Get(t.Context(), rid)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
