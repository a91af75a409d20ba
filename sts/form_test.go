package sts_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// What the form of a request is like is looked at before the key.
func TestForms(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{})
	good := clientGrant("client_id", key.ID(), "client_secret", text).Encode()
	send := func(method, target, kind, body string, edit func(*http.Request)) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		if edit != nil {
			edit(r)
		}
		return f.serve(r)
	}
	const form = "application/x-www-form-urlencoded"
	basic := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Authorization"] = []string{value} }
	}
	for _, c := range []struct {
		what   string
		w      *httptest.ResponseRecorder
		status int
		code   string
	}{
		{"control", send("POST", "/oauth/token", form, good, nil), 200, ""},
		{"a charset", send("POST", "/oauth/token", form+"; charset=UTF-8", good, nil), 200, ""},
		{"JSON", send("POST", "/oauth/token", "application/json", `{"grant_type":"client_credentials"}`, nil), 400, "invalid_request"},
		{"no type", send("POST", "/oauth/token", "", good, nil), 400, "invalid_request"},
		{"in the URL", send("POST", "/oauth/token?"+good, form, "", nil), 400, "invalid_request"},
		{"the secret in the URL", send("POST", "/oauth/token?client_secret="+text, form, clientGrant("client_id", key.ID()).Encode(), nil), 401, "invalid_client"},
		{"too long", send("POST", "/oauth/token", form, good+"&x="+strings.Repeat("x", 64<<10), nil), 400, "invalid_request"},
		{"no escape", send("POST", "/oauth/token", form, good+"&x=%zz", nil), 400, "invalid_request"},
		{"a semicolon", send("POST", "/oauth/token", form, good+";x=y", nil), 400, "invalid_request"},
		{"GET", send("GET", "/oauth/token?"+good, form, "", nil), 405, "invalid_request"},
		{"PUT", send("PUT", "/oauth/token", form, good, nil), 405, "invalid_request"},
		{"another path", send("POST", "/oauth/token/", form, good, nil), 404, "invalid_request"},
		{"a path that is written otherwise", send("POST", "/oauth/%74oken", form, good, nil), 404, "invalid_request"},
		{"a doubled slash", send("POST", "//oauth/token", form, good, nil), 404, "invalid_request"},
		{"Bearer", send("POST", "/oauth/token", form, clientGrant().Encode(), basic("Bearer "+text)), 401, "invalid_client"},
		{"Basic without credentials", send("POST", "/oauth/token", form, clientGrant().Encode(), basic("Basic")), 401, "invalid_client"},
		{"Basic of no base64", send("POST", "/oauth/token", form, clientGrant().Encode(), basic("Basic ***")), 401, "invalid_client"},
		{"Basic without a colon", send("POST", "/oauth/token", form, clientGrant().Encode(), basic("Basic YWJj")), 401, "invalid_client"},
		{"two Authorization", send("POST", "/oauth/token", form, clientGrant().Encode(), func(r *http.Request) { r.Header["Authorization"] = []string{"Basic YTpi", "Basic YTpi"} }), 400, "invalid_request"},
	} {
		got := decode(t, c.w, c.status)
		if c.code != "" && got["error"] != c.code || c.code == "" && got["access_token"] == nil {
			t.Errorf("%s: %v", c.what, got)
		}
		if c.status == 405 && c.w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: Allow %q", c.what, c.w.Header().Get("Allow"))
		}
	}
}
