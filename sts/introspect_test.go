package sts_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

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
func TestCVE_2026_58425_IntrospectionCallers(t *testing.T) {
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
		challenge := `Bearer error="invalid_token"`
		if authorization == "" {
			challenge = "Bearer"
		}
		for _, body := range []string{"token=" + text, "token=" + token, "token=junk", "", "%"} {
			w := ask(f.handler, body, authorization)
			if got := decode(t, w, http.StatusUnauthorized); got["error"] != "invalid_client" || w.Header().Get("WWW-Authenticate") != challenge {
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
