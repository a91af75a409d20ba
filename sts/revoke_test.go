package sts_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

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
func TestCVE_2020_15223_RevocationFails(t *testing.T) {
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

// A key that the Issuer does not find, and that lives, was not revoked.
func TestRevocationOfAKeyThatMoved(t *testing.T) {
	t.Parallel()
	var f *fixture
	move := func() {}
	f = newFixture(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(context.Context, *apikey.Key) error {
		move()
		return nil
	}}}, sts.ServiceOptions{})
	handler, err := sts.Handler(f.service, &sts.Options{Issuer: f.Issuer.ForSubject("user_1"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	f.handler = handler
	key, text := f.Create(t, apikey.CreateParams{Subject: "user_1"})
	move = func() { // after the record was read
		move = func() {}
		if _, err := f.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Subject: new("user_2")}); err != nil {
			t.Error(err)
		}
	}
	if w := f.post(t, "/oauth/revoke", url.Values{"token": {text}}); w.Code != http.StatusServiceUnavailable {
		t.Errorf("moved: %d %s", w.Code, w.Body)
	}
	gone, text := f.Create(t, apikey.CreateParams{Subject: "user_1"})
	move = func() {
		move = func() {}
		if err := f.Issuer.Delete(t.Context(), gone.ID()); err != nil {
			t.Error(err)
		}
	}
	if w := f.post(t, "/oauth/revoke", url.Values{"token": {text}}); w.Code != http.StatusOK {
		t.Errorf("deleted: %d %s", w.Code, w.Body)
	}
}
