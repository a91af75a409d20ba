package sts_test

import (
	"context"
	"encoding/json"
	"errors"
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

func TestIntrospection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		key, text := f.Create(t, apikey.CreateParams{Subject: "user_1", Scopes: []string{"a", "b"}, Claims: json.RawMessage(`{"plan":"pro","active":false,"sub":"root"}`), ExpiresIn: time.Hour})
		now := float64(time.Now().Unix())
		got := f.introspect(t, text)
		want := map[string]any{"active": true, "iss": issuer, "sub": "user_1", "client_id": key.ID(), "scope": "a b", "token_type": "Bearer", "iat": now, "exp": now + 3600, "plan": "pro"}
		if !equal(got, want) {
			t.Errorf("a key: %v, want %v", got, want)
		}
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Audience: issuer, Scopes: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		want["scope"], want["aud"], want["jti"], want["exp"] = "a", issuer, token.ID, now+300
		if got := f.introspect(t, token.Reveal()); !equal(got, want) {
			t.Errorf("a token: %v, want %v", got, want)
		}
		_, rotated, err := f.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.introspect(t, text); got["exp"] != now+60 {
			t.Errorf("in its grace: %v", got)
		}
		inactive := map[string]any{"active": false}
		if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		for what, dead := range map[string]string{"a revoked key": rotated.Reveal(), "its token": token.Reveal(), "junk": "junk", "a forged token": "a.b.c", "a JWE": "a.b.c.d.e"} {
			if got := f.introspect(t, dead); !equal(got, inactive) {
				t.Errorf("%s: %v", what, got)
			}
		}
	})
}

func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// Who asks is asked who it is, before anything is looked at, and is told of what is its own.
func TestIntrospectionCallers(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{Subject: "user_1"})
	token := f.exchange(t, text, sts.ExchangeParams{})
	ask := func(handler http.Handler, body, authorization string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/oauth/introspect", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	for _, authorization := range []string{"", "Bearer", "Bearer x", "Bearer " + text, "Bearer " + token, "Basic " + admin, "Bearer " + admin + "x", "Bearer " + admin[1:]} {
		for _, body := range []string{"token=" + text, "token=" + token, "token=junk", "", "%"} {
			w := ask(f.handler, body, authorization)
			if got := decode(t, w, http.StatusUnauthorized); got["error"] != "invalid_client" || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%q: %v %v", authorization, got, w.Header())
			}
		}
	}
	for _, body := range []string{"", "token=", "x=y", "token=a&token=b"} {
		if got := decode(t, ask(f.handler, body, "Bearer "+admin), http.StatusBadRequest); got["error"] != "invalid_request" {
			t.Errorf("%q: %v", body, got)
		}
	}
	for what, c := range map[string]struct {
		caller     sts.Caller
		key, token bool
	}{
		"all":              {sts.Caller{All: true}, true, true},
		"nobody":           {sts.Caller{}, false, false},
		"the audience":     {sts.Caller{Audiences: []string{"x", audience}}, false, true},
		"another audience": {sts.Caller{Audiences: []string{issuer, ""}}, false, false},
		"the subject":      {sts.Caller{Subjects: []string{"user_1"}}, true, true},
		"another subject":  {sts.Caller{Subjects: []string{"user_2", ""}}, false, false},
	} {
		handler, err := sts.Handler(f.service, &sts.Options{Authorize: func(*http.Request) (sts.Caller, error) { return c.caller, nil }, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		for body, want := range map[string]bool{"token=" + text: c.key, "token=" + token: c.token} {
			got := decode(t, ask(handler, body, ""), http.StatusOK)
			if got["active"] != any(want) || want != (got["client_id"] == key.ID()) || !want && len(got) != 1 {
				t.Errorf("%s: %v", what, got)
			}
		}
	}
	for what, c := range map[string]struct {
		err    error
		status int
	}{
		"a refusal":  {errors.New("no"), 401},
		"a failure":  {apikey.ErrUnavailable, 503},
		"both":       {errors.Join(apikey.ErrRejected, apikey.ErrOverloaded), 503},
		"an end":     {context.DeadlineExceeded, 503},
		"its answer": {apikey.ErrDenied, 401},
	} {
		handler, err := sts.Handler(f.service, &sts.Options{Authorize: func(*http.Request) (sts.Caller, error) { return sts.Caller{All: true}, c.err }, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if w := ask(handler, "token="+text, ""); w.Code != c.status {
			t.Errorf("%s: %d %s", what, w.Code, w.Body)
		}
	}
}

// Whoever has a key can revoke it, and its tokens with it.
func TestRevocation(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	for what, send := range map[string]func(id, text string) *httptest.ResponseRecorder{
		"the key": func(_, text string) *httptest.ResponseRecorder {
			return f.post(t, "/oauth/revoke", url.Values{"token": {text}, "token_type_hint": {"refresh_token"}})
		},
		"with its id": func(id, text string) *httptest.ResponseRecorder {
			return f.post(t, "/oauth/revoke", url.Values{"token": {text}, "client_id": {id}})
		},
		"with Basic": func(id, text string) *httptest.ResponseRecorder {
			return f.post(t, "/oauth/revoke", url.Values{"token": {text}}, id, text)
		},
	} {
		key, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		for range 2 { // again is as good
			if w := send(key.ID(), text); w.Code != http.StatusOK && !(what == "with Basic" && w.Code == http.StatusOK) {
				t.Errorf("%s: %d %s", what, w.Code, w.Body)
			}
			if what == "with Basic" { // the client is gone with it
				break
			}
		}
		wantDead(t, what, f.verifier(t), token, apikey.ErrRevoked)
		got, err := f.Issuer.Get(t.Context(), key.ID())
		if err != nil || !got.Revoked() || got.RevocationReason() == "" {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	for _, unknown := range []string{"junk", "ak_x", strings.Repeat("x", 5000)} {
		if w := f.post(t, "/oauth/revoke", url.Values{"token": {unknown}}); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}

	key, text := f.Create(t, apikey.CreateParams{})
	other, otherText := f.Create(t, apikey.CreateParams{})
	token := f.exchange(t, text, sts.ExchangeParams{})
	for _, c := range []struct {
		what   string
		w      *httptest.ResponseRecorder
		status int
		code   string
	}{
		{"no token", f.post(t, "/oauth/revoke", url.Values{}), 400, "invalid_request"},
		{"a JWT", f.post(t, "/oauth/revoke", url.Values{"token": {token}}), 400, "unsupported_token_type"},
		{"the id", f.post(t, "/oauth/revoke", url.Values{"token": {key.ID()}}), 200, ""},
		{"another's id", f.post(t, "/oauth/revoke", url.Values{"token": {text}, "client_id": {other.ID()}}), 400, "unauthorized_client"},
		{"by another client", f.post(t, "/oauth/revoke", url.Values{"token": {text}}, other.ID(), otherText), 400, "unauthorized_client"},
		{"by a wrong client", f.post(t, "/oauth/revoke", url.Values{"token": {text}}, other.ID(), "x"), 401, "invalid_client"},
		{"by a client of another name", f.post(t, "/oauth/revoke", url.Values{"token": {text}}, key.ID(), otherText), 401, "invalid_client"},
		{"in the URL", f.post(t, "/oauth/revoke?token="+text, url.Values{}), 400, "invalid_request"},
	} {
		if got := decode(t, c.w, c.status); c.code != "" && got["error"] != c.code {
			t.Errorf("%s: %v", c.what, got)
		}
	}
	wantAlive(t, "after all that", f.verifier(t), token)
}

// A revocation that could not be done, or of which that is not known, is not 200. Nor is one of a key that is
// refused only for now.
func TestRevocationFails(t *testing.T) {
	t.Parallel()
	denied := false
	store := &broken{Store: memstore.New()}
	options := checked(func() bool { return denied })
	options.Store = store
	f := newFixture(t, options, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{})
	store.replace = errors.New("the disk is full")
	if w := f.post(t, "/oauth/revoke", url.Values{"token": {text}}); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a failing write: %d %s", w.Code, w.Body)
	}
	store.replace, denied = nil, true
	if got := decode(t, f.post(t, "/oauth/revoke", url.Values{"token": {text}}), http.StatusBadRequest); got["error"] != "unauthorized_client" {
		t.Errorf("a denied key: %v", got)
	}
	denied = false
	f.Verifier.Close()
	if w := f.post(t, "/oauth/revoke", url.Values{"token": {text}}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("what can't be told: %d %s", w.Code, w.Body)
	}
	if got, err := f.Issuer.Get(t.Context(), key.ID()); err != nil || got.Revoked() {
		t.Errorf("%v, %v", got, err)
	}

	// An Issuer that does not manage the key.
	keys := newFixture(t, nil, sts.ServiceOptions{})
	_, text = keys.Create(t, apikey.CreateParams{})
	handler, err := sts.Handler(keys.service, &sts.Options{Issuer: keys.Issuer.ForSubject("somebody else"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	keys.handler = handler
	if got := decode(t, keys.post(t, "/oauth/revoke", url.Values{"token": {text}}), http.StatusBadRequest); got["error"] != "unauthorized_client" {
		t.Errorf("not managed: %v", got)
	}
}

// broken fails writes.
type broken struct {
	*memstore.Store
	replace error
}

func (s *broken) Replace(ctx context.Context, r *apikey.Record) error {
	if s.replace != nil && r.Version > 0 {
		return s.replace
	}
	return s.Store.Replace(ctx, r)
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
	if w := f.serve(httptest.NewRequest("POST", "/.well-known/jwks.json", nil)); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
