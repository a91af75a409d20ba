package sts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessToken   = "urn:ietf:params:oauth:token-type:access_token"
)

// clientGrant is a request by client credentials, with more parameters.
func clientGrant(more ...string) url.Values {
	return with(url.Values{"grant_type": {"client_credentials"}}, more...)
}

func with(v url.Values, more ...string) url.Values {
	for i := 0; i < len(more); i += 2 {
		v.Add(more[i], more[i+1])
	}
	return v
}

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read", "write"}})
	granted := func(what string, w *httptest.ResponseRecorder, scope, aud string) map[string]any {
		t.Helper()
		got := decode(t, w, http.StatusOK)
		token, _ := got["access_token"].(string)
		wantAlive(t, what, f.verifierFor(t, aud), token)
		in, _ := got["expires_in"].(float64)
		if got["token_type"] != "Bearer" || in < 298 || in > 300 || got["scope"] != any(scope) && !(scope == "" && got["scope"] == nil) {
			t.Errorf("%s: %v", what, got)
		}
		if h := w.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || h.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", what, h)
		}
		return got
	}
	granted("Basic", f.post(t, "/oauth/token", clientGrant(), key.ID(), text), "read write", audience)
	granted("form", f.post(t, "/oauth/token", clientGrant("client_id", key.ID(), "client_secret", text)), "read write", audience)
	granted("Basic, and the same client_id", f.post(t, "/oauth/token", clientGrant("client_id", key.ID()), key.ID(), text), "read write", audience)
	granted("a scope", f.post(t, "/oauth/token", clientGrant("scope", "write"), key.ID(), text), "write", audience)
	granted("a scope twice", f.post(t, "/oauth/token", clientGrant("scope", "write write read"), key.ID(), text), "write read", audience)
	granted("an empty scope is none", f.post(t, "/oauth/token", clientGrant("scope", ""), key.ID(), text), "read write", audience)
	granted("an audience", f.post(t, "/oauth/token", clientGrant("audience", issuer), key.ID(), text), "read write", issuer)
	granted("a resource", f.post(t, "/oauth/token", clientGrant("resource", issuer), key.ID(), text), "read write", issuer)
	granted("both, the same", f.post(t, "/oauth/token", clientGrant("resource", issuer, "audience", issuer), key.ID(), text), "read write", issuer)
	granted("parameters that are not known", f.post(t, "/oauth/token", clientGrant("x", "y"), key.ID(), text), "read write", audience)
	for _, kind := range []string{"", accessToken, "urn:ietf:params:oauth:token-type:jwt"} {
		got := granted("exchange", f.post(t, "/oauth/token", url.Values{"grant_type": {exchangeGrant}, "subject_token": {text},
			"subject_token_type": {accessToken}, "requested_token_type": {kind}, "client_id": {key.ID()}, "scope": {"read"}}), "read", audience)
		if want := any(kind); got["issued_token_type"] != want && !(kind == "" && got["issued_token_type"] == accessToken) {
			t.Errorf("issued %v for %q", got["issued_token_type"], kind)
		}
	}

	other, otherText := f.Create(t, apikey.CreateParams{})
	subject := func(more ...string) url.Values {
		return with(url.Values{"grant_type": {exchangeGrant}, "subject_token": {text}, "subject_token_type": {accessToken}}, more...)
	}
	without := func(v url.Values, name string) url.Values { v.Del(name); return v }
	for _, c := range []struct {
		what   string
		w      *httptest.ResponseRecorder
		status int
		code   string
	}{
		{"no grant_type", f.post(t, "/oauth/token", url.Values{}, key.ID(), text), 400, "invalid_request"},
		{"another grant_type", f.post(t, "/oauth/token", url.Values{"grant_type": {"password"}}, key.ID(), text), 400, "unsupported_grant_type"},
		{"grant_type twice", f.post(t, "/oauth/token", clientGrant("grant_type", "client_credentials"), key.ID(), text), 400, "invalid_request"},
		{"nobody", f.post(t, "/oauth/token", clientGrant()), 401, "invalid_client"},
		{"an id alone", f.post(t, "/oauth/token", clientGrant("client_id", key.ID())), 401, "invalid_client"},
		{"a secret alone", f.post(t, "/oauth/token", clientGrant("client_secret", text)), 401, "invalid_client"},
		{"Basic without a user", f.post(t, "/oauth/token", clientGrant(), "", text), 401, "invalid_client"},
		{"Basic without a password", f.post(t, "/oauth/token", clientGrant(), key.ID(), ""), 401, "invalid_client"},
		{"the id of another", f.post(t, "/oauth/token", clientGrant(), other.ID(), text), 401, "invalid_client"},
		{"the key of another", f.post(t, "/oauth/token", clientGrant("client_id", key.ID(), "client_secret", otherText)), 401, "invalid_client"},
		{"the id for a secret", f.post(t, "/oauth/token", clientGrant(), key.ID(), key.ID()), 401, "invalid_client"},
		{"an assertion", f.post(t, "/oauth/token", clientGrant("client_assertion", "x"), key.ID(), text), 401, "invalid_client"},
		{"Basic and form", f.post(t, "/oauth/token", clientGrant("client_id", key.ID(), "client_secret", text), key.ID(), text), 400, "invalid_request"},
		{"two ids", f.post(t, "/oauth/token", clientGrant("client_id", other.ID()), key.ID(), text), 400, "invalid_request"},
		{"a secret twice", f.post(t, "/oauth/token", clientGrant("client_id", key.ID(), "client_secret", text, "client_secret", text)), 400, "invalid_request"},
		{"a scope it has not", f.post(t, "/oauth/token", clientGrant("scope", "read admin"), key.ID(), text), 400, "invalid_scope"},
		{"a scope in another case", f.post(t, "/oauth/token", clientGrant("scope", "Read"), key.ID(), text), 400, "invalid_scope"},
		{"two spaces", f.post(t, "/oauth/token", clientGrant("scope", "read  write"), key.ID(), text), 400, "invalid_scope"},
		{"another audience", f.post(t, "/oauth/token", clientGrant("audience", "https://evil.example.com"), key.ID(), text), 400, "invalid_target"},
		{"a longer audience", f.post(t, "/oauth/token", clientGrant("audience", audience+"/"), key.ID(), text), 400, "invalid_target"},
		{"two audiences", f.post(t, "/oauth/token", clientGrant("audience", audience, "resource", issuer), key.ID(), text), 400, "invalid_target"},
		{"a relative resource", f.post(t, "/oauth/token", clientGrant("resource", "/api"), key.ID(), text), 400, "invalid_target"},
		{"a resource with a fragment", f.post(t, "/oauth/token", clientGrant("resource", issuer+"#"), key.ID(), text), 400, "invalid_target"},
		{"no subject_token", f.post(t, "/oauth/token", without(subject(), "subject_token")), 400, "invalid_request"},
		{"no subject_token_type", f.post(t, "/oauth/token", without(subject(), "subject_token_type")), 400, "invalid_request"},
		{"another subject_token_type", f.post(t, "/oauth/token", with(without(subject(), "subject_token_type"), "subject_token_type", "urn:ietf:params:oauth:token-type:jwt")), 400, "invalid_request"},
		{"another requested_token_type", f.post(t, "/oauth/token", subject("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")), 400, "invalid_request"},
		{"an actor", f.post(t, "/oauth/token", subject("actor_token", otherText)), 400, "invalid_request"},
		{"a subject and a secret", f.post(t, "/oauth/token", subject("client_id", key.ID(), "client_secret", text)), 400, "invalid_request"},
		{"a subject and Basic", f.post(t, "/oauth/token", subject(), key.ID(), text), 400, "invalid_request"},
		{"a subject of another client", f.post(t, "/oauth/token", subject("client_id", other.ID())), 400, "invalid_request"},
		{"a token for a subject", f.post(t, "/oauth/token", with(without(subject(), "subject_token"), "subject_token", f.exchange(t, text, sts.ExchangeParams{}))), 400, "invalid_request"},
	} {
		if got := decode(t, c.w, c.status); got["error"] != c.code || got["error_description"] == "" || len(got) != 2 {
			t.Errorf("%s: %v, want %s", c.what, got, c.code)
		}
		if challenge := c.w.Header().Get("WWW-Authenticate"); (c.status == 401) != (challenge == `Basic realm="`+issuer+`"`) {
			t.Errorf("%s: challenge %q", c.what, challenge)
		}
		if strings.Contains(c.w.Body.String(), text[len(text)-40:]) || c.w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", c.what, c.w.Header(), c.w.Body)
		}
	}
}

// verifierFor is for one of the service's audiences.
func (f *fixture) verifierFor(t testing.TB, audience string) *sts.Verifier {
	t.Helper()
	v, err := f.service.Verifier(audience)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Keys that are no good get one answer, byte for byte.
func TestRejectionsAreIdentical(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var denied string
		f := newFixture(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, key *apikey.Key) error {
			if key.ID() == denied {
				return apikey.ErrDenied
			}
			return nil
		}}}, sts.ServiceOptions{})
		revoked, revokedText := f.Create(t, apikey.CreateParams{})
		expired, expiredText := f.Create(t, apikey.CreateParams{ExpiresIn: 2 * time.Second})
		rotated, rotatedText := f.Create(t, apikey.CreateParams{})
		deleted, deletedText := f.Create(t, apikey.CreateParams{})
		refused, refusedText := f.Create(t, apikey.CreateParams{})
		denied = refused.ID()
		_, err1 := f.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{})
		_, _, err2 := f.Issuer.Rotate(t.Context(), rotated.ID(), apikey.RotateParams{})
		if err := errors.Join(err1, err2, f.Issuer.Delete(t.Context(), deleted.ID())); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // less than a second is left, which is no token either
		fresh, _ := f.Create(t, apikey.CreateParams{})
		var first [2]string
		for i, c := range [][2]string{
			{fresh.ID(), "junk"}, {fresh.ID(), rotatedText}, {revoked.ID(), revokedText}, {expired.ID(), expiredText}, {rotated.ID(), rotatedText},
			{deleted.ID(), deletedText}, {refused.ID(), refusedText}, {"", "x"},
		} {
			for j, w := range []*httptest.ResponseRecorder{
				f.post(t, "/oauth/token", clientGrant(), c[0], c[1]),
				f.post(t, "/oauth/token", url.Values{"grant_type": {exchangeGrant}, "subject_token": {c[1]}, "subject_token_type": {accessToken}}),
			} {
				got, _ := json.Marshal([]any{w.Code, w.Header(), w.Body.String()})
				if i == 0 {
					first[j] = string(got)
				} else if string(got) != first[j] {
					t.Errorf("%s: %s, and not %s", c[0], got, first[j])
				}
			}
		}
	})
}

// A failure of the system is 503 everywhere, with a time to try again, and never a 500.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{})
	f.Verifier.Close()
	for what, w := range map[string]*httptest.ResponseRecorder{
		"client_credentials": f.post(t, "/oauth/token", clientGrant(), key.ID(), text),
		"token exchange":     f.post(t, "/oauth/token", url.Values{"grant_type": {exchangeGrant}, "subject_token": {text}, "subject_token_type": {accessToken}}),
		"revoke":             f.post(t, "/oauth/revoke", url.Values{"token": {text}}),
	} {
		if got := decode(t, w, http.StatusServiceUnavailable); got["error"] != "temporarily_unavailable" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %v %v", what, got, w.Header())
		}
	}
}

// A router that is told of the paths has them all.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{issuer, "https://example.com/auth"} {
		f := newFixtureOf(t, name, nil, sts.ServiceOptions{})
		mux := http.NewServeMux()
		for _, path := range f.service.Paths() {
			mux.Handle(path, f.handler)
		}
		direct := f.handler
		f.handler = mux
		key, text := f.Create(t, apikey.CreateParams{})
		u, _ := url.Parse(name)
		got := decode(t, f.post(t, u.Path+"/oauth/token", clientGrant(), key.ID(), text), http.StatusOK)
		wantAlive(t, name, f.verifier(t), got["access_token"].(string))
		metadata := decode(t, f.get("/.well-known/oauth-authorization-server"+u.Path), http.StatusOK)
		for member, value := range metadata {
			path, is := strings.CutPrefix(fmt.Sprint(value), u.Scheme+"://"+u.Host)
			if !is || member == "issuer" {
				continue
			}
			if w := f.get(path); w.Code != http.StatusOK && w.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		f.handler = direct
		if w := f.get("/elsewhere"); w.Code != http.StatusNotFound {
			t.Errorf("%d", w.Code)
		}
	}
}

// Readiness is that a token could be made, or judged, now.
func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		store.fails(true)
		if err := f.service.Ready(t.Context()); !errors.Is(err, apikey.ErrUnavailable) {
			t.Errorf("a store that fails: %v", err)
		}
		store.fails(false)
		time.Sleep(100 * time.Millisecond) // that long a failure is everybody's
		for range 2 {
			if err := errors.Join(f.service.Ready(t.Context()), f.verifier(t).Ready(t.Context())); err != nil {
				t.Error(err)
			}
		}
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(cutOff)
		if err := elsewhere.Ready(t.Context()); !errors.Is(err, apikey.ErrUnavailable) {
			t.Errorf("a wire that is cut: %v", err)
		}
		wire.set(nil)
		if err := elsewhere.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		wire.set(cutOff)
		_, text := f.Create(t, apikey.CreateParams{})
		wantAlive(t, "without a word", elsewhere, f.exchange(t, text, sts.ExchangeParams{}))
		elsewhere.Close()
		if err := elsewhere.Ready(t.Context()); !errors.Is(err, apikey.ErrUnavailable) {
			t.Errorf("closed: %v", err)
		}
	})
}
