package sts_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/sts"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	for _, name := range []string{issuer, "https://example.com/auth", "http://localhost:8080/a/b"} {
		f := newFixtureOf(t, name, nil, sts.ServiceOptions{})
		u, _ := url.Parse(name)
		w := f.get("/.well-known/oauth-authorization-server" + u.Path)
		got := decode(t, w, http.StatusOK)
		want := map[string]any{
			"issuer": name, "token_endpoint": name + "/oauth/token", "jwks_uri": name + "/.well-known/jwks.json",
			"introspection_endpoint": name + "/oauth/introspect", "revocation_endpoint": name + "/oauth/revoke", "key_revocations_uri": name + "/oauth/revocations",
			"response_types_supported": []string{}, "grant_types_supported": []string{"client_credentials", exchangeGrant},
			"token_endpoint_auth_methods_supported":      []string{"client_secret_basic", "client_secret_post", "none"},
			"revocation_endpoint_auth_methods_supported": []string{"none", "client_secret_basic", "client_secret_post"},
		}
		if !equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		for _, endpoint := range []string{"jwks_uri", "key_revocations_uri"} {
			if w := f.get(strings.TrimPrefix(got[endpoint].(string), u.Scheme+"://"+u.Host)); w.Code != http.StatusOK {
				t.Errorf("%s: %d", endpoint, w.Code)
			}
		}
		// Nothing is offered that is not there.
		bare, err := sts.Handler(f.service, nil)
		if err != nil {
			t.Fatal(err)
		}
		f.handler = bare
		got = decode(t, f.get("/.well-known/oauth-authorization-server"+u.Path), http.StatusOK)
		if got["introspection_endpoint"] != nil || got["revocation_endpoint"] != nil || got["token_endpoint"] == nil {
			t.Errorf("%v", got)
		}
		for _, path := range []string{"/oauth/introspect", "/oauth/revoke"} {
			if w := f.post(t, u.Path+path, url.Values{}); w.Code != http.StatusNotFound {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	}
}

// The set of keys is cacheable: it has a tag, and is not sent again to who has it.
func TestJWKSIsCacheable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	w := f.get("/.well-known/jwks.json")
	tag := w.Header().Get("ETag")
	if w.Code != http.StatusOK || tag == "" || w.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	r := httptest.NewRequest("GET", "/.well-known/jwks.json", nil)
	r.Header.Set("If-None-Match", tag)
	if w := f.serve(r); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.serve(httptest.NewRequest("HEAD", "/.well-known/jwks.json", nil)); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.serve(httptest.NewRequest("POST", "/.well-known/jwks.json", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
