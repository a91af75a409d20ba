package httpapi_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
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

// api is a handler to be tested, and what is behind it.
type api struct {
	http.Handler
	*apikeytest.Keys
}

func newAPI(t testing.TB, opts *httpapi.Options, keyOpts *apikeytest.Options) api {
	t.Helper()
	if keyOpts == nil {
		keyOpts = &apikeytest.Options{Issuer: apikey.IssuerOptions{UniqueNames: true}}
	}
	keys := apikeytest.New(t, keyOpts)
	if opts == nil {
		opts = &httpapi.Options{}
	}
	if opts.Authorize == nil {
		opts.Tokens = []string{token}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := httpapi.New(keys.Issuer, keys.Verifier, opts)
	if err != nil {
		t.Fatal(err)
	}
	return api{h, keys}
}

// call makes a request with the token and returns the reply.
func (a api) call(t testing.TB, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	return a.send(t.Context(), method, target, strings.NewReader(body), "Authorization", "Bearer "+token)
}

// send makes a request with headers, given as name, value, name, value.
func (a api) send(ctx context.Context, method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, "/", body)
	path, query, _ := strings.Cut(target, "?")
	if err := setPath(r, path); err != nil {
		panic(err)
	}
	r.URL.RawQuery = query
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// object is a key, or any other reply.
type object map[string]any

// ok makes a request that succeeds.
func (a api) ok(t testing.TB, status int, method, target, body string) object {
	t.Helper()
	w := a.call(t, method, target, body)
	wantReply(t, w, status)
	var o object
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil {
		t.Fatalf("%s %s: %v: %s", method, target, err, w.Body)
	}
	return o
}

// refused makes a request that is answered with an error, about a parameter if param is not "".
func (a api) refused(t testing.TB, status int, code, param, method, target, body string) {
	t.Helper()
	w := a.call(t, method, target, body)
	wantReply(t, w, status)
	wantError(t, w, code, param)
}

// wantReply checks what all replies have in common.
func wantReply(t testing.TB, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d; want %d: %.200s", w.Code, status, w.Body)
	}
	if got := w.Header()["Content-Type"]; len(got) != 1 || got[0] != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if got := w.Header()["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if !json.Valid(w.Body.Bytes()) {
		t.Errorf("no JSON: %.200s", w.Body)
	}
}

// wantError checks the form of an error: what Python's client requires, and no more.
func wantError(t testing.TB, w *httptest.ResponseRecorder, code, param string) {
	t.Helper()
	var reply struct {
		Errors []struct {
			Message     string `json:"message"`
			LongMessage string `json:"long_message"`
			Code        string `json:"code"`
			Meta        struct {
				Param string `json:"param_name"`
			} `json:"meta"`
		} `json:"errors"`
	}
	d := json.NewDecoder(strings.NewReader(w.Body.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&reply); err != nil || len(reply.Errors) != 1 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	e := reply.Errors[0]
	if e.Code != code || e.Meta.Param != param || e.Message == "" || e.LongMessage == "" {
		t.Errorf("%s; want code %q, parameter %q", w.Body, code, param)
	}
	if param != "" && !strings.Contains(e.Message, param) {
		t.Errorf("%s: the message does not name %q", w.Body, param)
	}
}

// created makes a key and returns its id and its secret.
func (a api) created(t testing.TB, name string) (id, secret string) {
	t.Helper()
	return made(t, a.call(t, "POST", "/api_keys", `{"name":"`+name+`","subject":"`+subject+`"}`))
}

// made returns the id and the secret in the reply to a create.
func made(t testing.TB, w *httptest.ResponseRecorder) (id, secret string) {
	t.Helper()
	wantReply(t, w, http.StatusCreated)
	var o struct{ ID, Secret string }
	if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil || o.ID == "" || o.Secret == "" {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return o.ID, o.Secret
}

// edit changes what is stored of a key.
func (a api) edit(t testing.TB, id string, change func(*apikey.Record)) {
	t.Helper()
	var rid apikey.ID
	if _, err := hex.Decode(rid[:], []byte(strings.TrimPrefix(id, "ak_"))); err != nil {
		t.Fatal(err)
	}
	r, err := a.Store.Get(t.Context(), rid)
	if err != nil {
		t.Fatal(err)
	}
	change(r)
	if err := a.Store.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

// noUniqueNames lets a test make many keys of one name.
var noUniqueNames apikeytest.Options
