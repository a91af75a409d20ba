package oauth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// verifyOIDC: go-oidc takes a token, and no other, by the keys that it fetches itself. It is made for ID tokens, so there is no
// discovery: that of OpenID Connect is not served.
func verifyOIDC(t *testing.T, s *service) {
	k := s.create(t, "go-oidc")
	token := s.token(t, k, api)
	set := oidc.NewRemoteKeySet(t.Context(), s.metadata.JWKS)
	payload, err := set.VerifySignature(t.Context(), token)
	if err != nil || !strings.Contains(string(payload), `"client_id":"`+k.ID+`"`) {
		t.Fatalf("%s, %v", payload, err)
	}
	for name, bad := range tampered(t, token) {
		if payload, err := set.VerifySignature(t.Context(), bad); err == nil {
			t.Errorf("changed %s: %s", name, payload)
		}
	}

	verify := func(issuer, audience, token string, now time.Time) (*oidc.IDToken, error) {
		return oidc.NewVerifier(issuer, set, &oidc.Config{
			ClientID: audience, SupportedSigningAlgs: []string{oidc.EdDSA}, Now: func() time.Time { return now },
		}).Verify(t.Context(), token)
	}
	got, err := verify(s.metadata.Issuer, api, token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != user || len(got.Audience) != 1 || got.Audience[0] != api || got.Expiry.Sub(got.IssuedAt) != 5*time.Minute {
		t.Errorf("%+v", got)
	}
	var own struct{ Plan, Scope string }
	if err := got.Claims(&own); err != nil || own.Plan != "pro" || own.Scope != "read write" {
		t.Errorf("%+v, %v", own, err)
	}
	for _, c := range []struct{ name, issuer, audience, token, says string }{
		{"for somebody else", s.metadata.Issuer, api, s.token(t, k, other), "expected audience"},
		{"asked by somebody else", s.metadata.Issuer, other, token, "expected audience"},
		{"by somebody else", "https://auth.example.com", api, token, "issued by a different provider"},
		{"changed claims", s.metadata.Issuer, api, tampered(t, token)["claims"], "failed to verify signature"},
		{"no algorithm", s.metadata.Issuer, api, tampered(t, token)["algorithm"], "malformed jwt"},
	} {
		if _, err := verify(c.issuer, c.audience, c.token, time.Now()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want it to say %q", c.name, err, c.says)
		}
	}
	var expired *oidc.TokenExpiredError
	if _, err := verify(s.metadata.Issuer, api, token, time.Now().Add(5*time.Minute)); !errors.As(err, &expired) {
		t.Errorf("after its end: %v", err)
	}
}
