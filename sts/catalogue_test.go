package sts_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Tests named after a CVE, or after the row of docs/security-cases.md, put the attack of that row to this package. Rows D are
// in jose_test.go, claims_test.go and object_test.go.

// CVE-2022-41316: until the list of what was revoked was first read, nothing was on it. A verifier that has the keys, and no
// list yet, or an empty answer for one, accepts nothing; with the list it accepts what is alive.
func TestCVE_2022_41316_NoListNoTrust(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		key, text := f.Create(t, apikey.CreateParams{})
		_, alive := f.Create(t, apikey.CreateParams{})
		token, other := f.exchange(t, text, sts.ExchangeParams{}), f.exchange(t, alive, sts.ExchangeParams{})
		if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		for what, body := range map[string]string{"nothing": "", "an object": "{}", "a list": "[]", "null": "null", "a token instead": other} {
			v, wire := f.remote(t, sts.VerifierOptions{})
			wire.set(instead(f.handler, "/oauth/revocations", body))
			for _, presented := range []string{token, other} {
				wantDead(t, "for a list "+what, v, presented, apikey.ErrUnavailable)
			}
			wire.set(nil)
			time.Sleep(5 * time.Second)
			wantDead(t, "revoked", v, token, apikey.ErrRevoked)
			wantAlive(t, "control", v, other)
		}
	})
}

// CVE-2026-26196, CVE-2026-33620, CVE-2026-47768: what is secret stood in a URL, and so in logs. No endpoint reads a parameter from there.
func TestCVE_2026_26196_NothingFromTheURL(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{})
	token := f.exchange(t, text, sts.ExchangeParams{})
	query := url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ID()}, "client_secret": {text}, "token": {text}, "subject_token": {text}, "access_token": {admin}, "authorization": {"Bearer " + admin}}.Encode()
	for _, path := range f.service.Paths()[:3] { // token, introspect, revoke
		for _, method := range []string{"POST", "GET"} {
			r := httptest.NewRequest(method, path+"?"+query, strings.NewReader(""))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if w := f.serve(r); w.Code < 400 || strings.Contains(w.Body.String(), "access_token") || strings.Contains(w.Body.String(), "active") {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
		}
	}
	wantAlive(t, "nothing was revoked", f.verifier(t), token)
}

// F6, GO-2025-3770, GO-2026-4316: a path with two slashes, or redirect_uri, sent the client to another site. Nothing here redirects.
func TestF6_NothingRedirects(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	for _, path := range append(f.service.Paths(), "/", "//evil.example", "/\\evil.example", "/oauth//token", "/oauth/token/", "/%2f%2fevil.example", "/oauth/authorize") {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, "/", strings.NewReader("redirect_uri=https://evil.example"))
			r.URL.Path, r.URL.RawQuery, r.Host = path, "redirect_uri=https://evil.example&next=//evil.example", "evil.example"
			w := f.serve(r)
			if w.Code >= 300 && w.Code < 400 || w.Header().Get("Location") != "" || strings.Contains(w.Body.String(), "evil.example") {
				t.Errorf("%s %s: %d %v %s", method, path, w.Code, w.Header(), w.Body)
			}
		}
	}
}
