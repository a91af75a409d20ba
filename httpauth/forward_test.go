package httpauth_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// identity returns the headers that say whose request it is.
func identity(h http.Header) string {
	var all []string
	for _, name := range []string{"X-Apikey-Id", "X-Apikey-Subject", "X-Apikey-Scopes"} {
		all = append(all, strings.Join(h[name], ","))
	}
	return strings.Join(all, "|")
}

func TestForward(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{Subject: "user_1", Scopes: []string{"read", "write"}})
	fromURL := httpauth.ScopesFromQuery
	plain := httpauth.Forward(keys.Verifier, nil)
	scoped := httpauth.Forward(keys.Verifier, &httpauth.ForwardOptions{Scopes: fromURL})
	anonymous := httpauth.Forward(keys.Verifier, &httpauth.ForwardOptions{Scopes: fromURL, Options: httpauth.Options{Anonymous: true}})
	down := httpauth.Forward(always(nil, apikey.ErrOverloaded), nil)
	claims := httpauth.Forward(always(nil, httpauth.ErrNoCredential), &httpauth.ForwardOptions{Options: httpauth.Options{Anonymous: true}})
	for _, test := range []struct {
		what    string
		h       http.Handler
		query   url.Values
		headers []string
		status  int
		says    string // of the challenge
	}{
		{"good", plain, nil, []string{"Authorization", "Bearer " + text}, 204, ""},
		{"good, spoofed", plain, nil, []string{"X-API-Key", text, "X-Apikey-Subject", "root", "X-Apikey-Scopes", "admin"}, 204, ""},
		{"nothing", plain, nil, nil, 401, `Bearer`},
		{"bad", plain, nil, []string{"X-API-Key", text[1:]}, 401, `Bearer error="invalid_token"`},
		{"two", plain, nil, []string{"X-API-Key", text, "X-API-Key", text}, 401, `Bearer error="invalid_request"`},
		{"down", down, nil, []string{"X-API-Key", text}, 503, ""},
		{"no scope asked for", scoped, nil, []string{"X-API-Key", text}, 204, ""},
		{"scopes", scoped, url.Values{"scope": {"write", "read"}}, []string{"X-API-Key", text}, 204, ""},
		{"one too many", scoped, url.Values{"scope": {"read", "admin"}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope", scope="read admin"`},
		{"a scope, nothing", scoped, url.Values{"scope": {"read"}}, nil, 401, `Bearer`},
		{"scopes in one", scoped, url.Values{"scope": {"read  write"}}, []string{"X-API-Key", text}, 204, ""},
		{"one of two in one", scoped, url.Values{"scope": {"read admin"}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope", scope="read admin"`},
		{"what is no scope", scoped, url.Values{"scope": {"a\",x=\"\r\nb"}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"a quote", scoped, url.Values{"scope": {`a"b`}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"a backslash", scoped, url.Values{"scope": {`a\b`}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"a no-break space", scoped, url.Values{"scope": {"read\u00a0write"}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"an empty scope", scoped, url.Values{"scope": {""}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"a long scope", scoped, url.Values{"scope": {strings.Repeat("a", 2000)}}, []string{"X-API-Key", text}, 403, `Bearer error="insufficient_scope"`},
		{"anonymous", anonymous, nil, nil, 204, ""},
		{"anonymous, a scope", anonymous, url.Values{"scope": {"read"}}, nil, 401, `Bearer`},
		{"anonymous, another scheme", anonymous, nil, []string{"Authorization", "Digest x"}, 401, `Bearer`},
		{"a Verifier that claims that there is nothing", claims, nil, []string{"X-API-Key", text}, 401, `Bearer`},
		{"anonymous, bad", anonymous, nil, []string{"X-API-Key", text[1:]}, 401, `Bearer error="invalid_token"`},
	} {
		r := request(t, test.headers...)
		r.URL.RawQuery = test.query.Encode()
		w := serve(test.h, r)
		if w.Code != test.status || w.Header().Get("WWW-Authenticate") != test.says {
			t.Errorf("%s: %d %v", test.what, w.Code, w.Header())
		}
		want := "||"
		if w.Code == 204 && len(test.headers) > 0 {
			want = key.ID() + "|user_1|read write"
		}
		if identity(w.Header()) != want {
			t.Errorf("%s: %v, want %s", test.what, w.Header(), want)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "Authorization, X-API-Key" || (w.Code == 204) != (w.Body.Len() == 0) {
			t.Errorf("%s: %v %s", test.what, w.Header(), w.Body)
		}
		if w.Code != 204 && w.Code != 503 && !strings.Contains(w.Body.String(), `"status":`+map[int]string{401: "401", 403: "403"}[w.Code]) {
			t.Errorf("%s: %s", test.what, w.Body)
		}
	}
}

// A query that can't be read, or says nothing, asks for what no key has.
func TestScopesFromQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][]string{
		"": nil, "scope=read": {"read"}, "scope=read&scope=write": {"read", "write"}, "scope=read+write": {"read", "write"}, "scope=%20read%20": {"read"},
		"scope": {""}, "scope=": {""}, "scope=+": {""}, "scope=read&scope=": {"read", ""}, "scope=%zz": {""}, "scope=admin;x=1": {""}, "a;b": {""},
		"SCOPE=admin": {""}, "Scope=admin": {""}, "scopes=admin": {""}, "scope[]=admin": {""}, "scope%3dadmin": {""}, "scope=read&scopes=admin": {""},
		"x=1": {""}, "x=1&scope=read": {""}, "scop=admin": {""}, "%20scope=admin": {""}, "&": nil,
	} {
		r := request(t)
		r.URL.RawQuery = query
		if got := httpauth.ScopesFromQuery(r); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}

// A Verifier of another kind can't make two scopes of one, nor anything else of the header.
func TestForwardScopes(t *testing.T) {
	t.Parallel()
	for _, scope := range []string{"read admin", "a\r\nSet-Cookie: x=y", "", "\u00e9"} {
		key := apikey.NewKey(&apikey.Record{Prefix: "ak", Subject: "user_1", Scopes: []string{"read", scope}})
		w := serve(httpauth.Forward(always(key, nil), nil), request(t, "X-API-Key", "x"))
		if got := w.Header()["X-Apikey-Scopes"]; w.Code != 204 || len(got) != 1 || got[0] != "" {
			t.Errorf("%q: %d %q", scope, w.Code, got)
		}
	}
}

// No two subjects arrive as one, whatever is done to headers on the way.
func TestForwardSubject(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	for subject, want := range map[string]string{
		"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk": "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk",
		" root":                            "%20root",
		"root ":                            "root%20",
		"%20root":                          "%2520root",
		"a,b":                              "a,b",
		"j\u00f6rg":                        "j%C3%B6rg",
		"\u00a0root":                       "%C2%A0root",
	} {
		_, text := keys.Create(t, apikey.CreateParams{Subject: subject})
		w := serve(httpauth.Forward(keys.Verifier, nil), request(t, "X-API-Key", text))
		if got := w.Header().Get("X-Apikey-Subject"); got != want {
			t.Errorf("%q: %q, want %q", subject, got, want)
		}
		if back, err := url.PathUnescape(want); err != nil || back != subject {
			t.Errorf("%q: %q, %v", subject, back, err)
		}
	}
}
