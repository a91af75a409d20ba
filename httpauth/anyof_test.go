package httpauth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// A credential goes to the first Verifier that knows its shape, and to no other after that.
func TestAnyOf(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	long := strings.Repeat("t.", 1000)
	asked := 0
	tokens := verify(func(_ context.Context, credential string) (*apikey.Key, error) {
		asked++
		switch {
		case !strings.Contains(credential, "."):
			return nil, apikey.ErrMalformed
		case credential == long:
			return apikey.NewKey(&apikey.Record{Prefix: "tok", Subject: "user_token"}), nil
		}
		return nil, apikey.ErrExpired
	})
	h := httpauth.Middleware(httpauth.AnyOf(v, tokens), nil)(whoami)
	for _, test := range []struct {
		credential string
		status     int
		asks       int
	}{
		{good, 200, 0}, {long, 200, 1}, {"a.b", 401, 1}, {"ab", 401, 1},
		{bad[0].text, 401, 0}, // "!" is in no credential: nobody is asked
		{bad[1].text, 401, 0}, {bad[5].text, 401, 0},
		{long + long + long, 401, 0}, // 6,000 bytes
		{strings.Repeat("a", 4096), 401, 1}, {strings.Repeat("a", 4097), 401, 0},
	} {
		asked = 0
		w := serve(h, request(t, "Authorization", "Bearer "+test.credential))
		if w.Code != test.status || asked != test.asks {
			t.Errorf("%.20s…: %d, asked %d times", test.credential, w.Code, asked)
		}
	}
	down := httpauth.AnyOf(always(nil, apikey.ErrUnavailable), v)
	if _, err := down.Verify(t.Context(), good); err != apikey.ErrUnavailable {
		t.Errorf("one that is down is passed over: %v", err)
	}
	both := fmt.Errorf("%w: %w", apikey.ErrUnavailable, apikey.ErrMalformed)
	if _, err := httpauth.AnyOf(always(nil, both), v).Verify(t.Context(), good); err != both {
		t.Errorf("one that is down, and says more, is passed over: %v", err)
	}
}

// Two stores beside each other never take each other's keys.
func TestAnyOfTwoStores(t *testing.T) {
	t.Parallel()
	live := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: "live"}, Verifier: apikey.VerifierOptions{Prefixes: []string{"live"}}})
	test := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: "test"}, Verifier: apikey.VerifierOptions{Prefixes: []string{"test"}}})
	_, liveText := live.Create(t, apikey.CreateParams{Subject: "user_live"})
	_, testText := test.Create(t, apikey.CreateParams{Subject: "user_test"})
	h := httpauth.Middleware(httpauth.AnyOf(live.Verifier, test.Verifier), nil)(whoami)
	for text, want := range map[string]string{liveText: "user_live", testText: "user_test"} {
		if w := serve(h, request(t, "X-API-Key", text)); w.Body.String() != want {
			t.Errorf("%s: %d %s", want, w.Code, w.Body)
		}
	}
	only := httpauth.Middleware(live.Verifier, nil)(whoami)
	if w := serve(only, request(t, "X-API-Key", testText)); w.Code != 401 {
		t.Errorf("a test key on the live one: %d", w.Code)
	}
}
