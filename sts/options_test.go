package sts_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// wrongOption fails the test unless err says which option is wrong, and does not repeat its value.
func wrongOption(t *testing.T, what string, err error, field string, value string) {
	t.Helper()
	var wrong *apikey.ValidationError
	if !errors.As(err, &wrong) || wrong.Field != field || errors.Is(err, apikey.ErrRejected) {
		t.Errorf("%s: %v, want a ValidationError of %s", what, err, field)
	} else if len(value) >= 8 && strings.Contains(err.Error(), value) {
		t.Errorf("%s: %v repeats the value", what, err)
	}
}

var wrongIssuers = []string{
	"", " ", "auth.example.com", "//auth.example.com", "/path", "ftp://auth.example.com", "HTTPS://auth.example.com", "https:", "https://", "https:///path", "https:auth.example.com", "https://auth.example.com/",
	"https://auth.example.com/a/", "https://auth.example.com?x=1", "https://auth.example.com?", "https://auth.example.com#x", "https://user@auth.example.com", "https://user:secret@auth.example.com", "https://auth.example.com/a b",
	"https://auth.example.com\n", "https://auth.example.com/%zz", "https://auth.example.com/ü", "https://:443", "https://auth.example.com:", "https://auth.example.com:0", "https://auth.example.com:99999", "https://auth.example.com:0443", "https://Auth.example.com", "https://*", "https://[fe80::1%25eth0]", "https://[::1",
	"https://auth.example.com/a/../b", "https://auth.example.com//b", "https://auth.example.com/.", "javascript:alert(1)", "file:///etc", "https://" + strings.Repeat("a", 1100) + ".example.com",
}

var wrongAudiences = []string{" ", "a b", "a\n", "\x00", "ü", "a\x7f", " a", strings.Repeat("a", 1025)}

func TestNewServiceOptions(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	for _, good := range []*sts.ServiceOptions{
		nil, {}, {Keyring: keyring(t, 1), Logger: quiet}, {Algorithm: sts.EdDSA}, {Algorithm: sts.ES256}, {Audiences: []string{"a"}}, {Audiences: []string{strings.Repeat("~", 1024), "a", "a"}}, {TTL: 10 * time.Second}, {TTL: 15 * time.Minute},
		{Rotation: time.Second}, {Rotation: 365 * 24 * time.Hour}, {RevocationTTL: 10 * time.Second}, {RevocationTTL: 15 * time.Minute},
	} {
		s, err := sts.NewService(keys.Store, keys.Verifier, issuer, good)
		if err != nil || s.Issuer() != issuer {
			t.Errorf("%+v: %v", good, err)
			continue
		}
		_, text := keys.Create(t, apikey.CreateParams{})
		token, err := s.Exchange(t.Context(), text, sts.ExchangeParams{})
		if err != nil {
			t.Errorf("%+v: %v", good, err)
			continue
		}
		v, err := s.Verifier("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token.Reveal()); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for what, row := range map[string]struct {
		field string
		opts  sts.ServiceOptions
	}{
		"alg none": {"Algorithm", sts.ServiceOptions{Algorithm: "none"}}, "HS256": {"Algorithm", sts.ServiceOptions{Algorithm: "HS256"}}, "eddsa": {"Algorithm", sts.ServiceOptions{Algorithm: "eddsa"}},
		"no audiences": {"Audiences", sts.ServiceOptions{Audiences: []string{}}}, "an empty audience": {"Audiences", sts.ServiceOptions{Audiences: []string{"a", ""}}},
		"TTL -1": {"TTL", sts.ServiceOptions{TTL: -1}}, "TTL 1 ns": {"TTL", sts.ServiceOptions{TTL: 1}}, "TTL 999 ms": {"TTL", sts.ServiceOptions{TTL: 999 * time.Millisecond}}, "TTL 1.5 s": {"TTL", sts.ServiceOptions{TTL: 1500 * time.Millisecond}},
		"TTL 15:01": {"TTL", sts.ServiceOptions{TTL: 15*time.Minute + time.Second}}, "TTL for ever": {"TTL", sts.ServiceOptions{TTL: 1<<63 - 1}},
		"Rotation -1": {"Rotation", sts.ServiceOptions{Rotation: -1}}, "Rotation 1 ns": {"Rotation", sts.ServiceOptions{Rotation: 1}}, "Rotation of more than a year": {"Rotation", sts.ServiceOptions{Rotation: 365*24*time.Hour + 1}},
		"RevocationTTL -1": {"RevocationTTL", sts.ServiceOptions{RevocationTTL: -time.Second}}, "RevocationTTL 16 min": {"RevocationTTL", sts.ServiceOptions{RevocationTTL: 16 * time.Minute}},
		"RevocationTTL 10.5 s": {"RevocationTTL", sts.ServiceOptions{RevocationTTL: 10500 * time.Millisecond}}, "RevocationTTL 9 s": {"RevocationTTL", sts.ServiceOptions{RevocationTTL: 9 * time.Second}},
	} {
		s, err := sts.NewService(keys.Store, keys.Verifier, issuer, &row.opts)
		if s != nil {
			t.Errorf("%s: taken", what)
		}
		wrongOption(t, what, err, row.field, "")
	}
	for _, audience := range wrongAudiences {
		_, err := sts.NewService(keys.Store, keys.Verifier, issuer, &sts.ServiceOptions{Audiences: []string{"a", audience}})
		wrongOption(t, audience, err, "Audiences", audience)
	}
	for _, issuer := range wrongIssuers {
		_, err := sts.NewService(keys.Store, keys.Verifier, issuer, nil)
		wrongOption(t, issuer, err, "issuer", issuer)
	}
	for _, issuer := range []string{"https://auth.example.com", "http://localhost:8080", "https://auth.example.com/a/b", "https://[::1]:8443", "https://auth.example.com/%C3%BC"} {
		if _, err := sts.NewService(keys.Store, keys.Verifier, issuer, nil); err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	_, err := sts.NewService(nil, keys.Verifier, issuer, nil)
	wrongOption(t, "no store", err, "store", "")
	_, err = sts.NewService(keys.Store, nil, issuer, nil)
	wrongOption(t, "no verifier", err, "verifier", "")

	// What the caller does with its slice later changes nothing.
	opts := sts.ServiceOptions{Audiences: []string{"a", "b"}}
	s, err := sts.NewService(keys.Store, keys.Verifier, issuer, &opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Audiences[0] = "x"
	if _, err := s.Verifier("a"); err != nil {
		t.Error("the service shares the slice of the caller:", err)
	}
	for _, other := range []string{"x", "A", "a ", "c", issuer} {
		v, err := s.Verifier(other)
		if v != nil {
			t.Errorf("a Verifier for %q", other)
		}
		wrongOption(t, other, err, "audience", other)
	}
}

func TestNewVerifierOptions(t *testing.T) {
	t.Parallel()
	for _, good := range []*sts.VerifierOptions{
		nil, {}, {Algorithm: sts.ES256}, {Refresh: time.Second}, {Refresh: 10 * time.Minute}, {Leeway: time.Minute}, {Client: &http.Client{}, Logger: quiet}, {JWKSURL: "https://cdn.example.com/keys?v=1", RevocationsURL: "https://cdn.example.com/dead"},
		{JWKSURL: "http://127.0.0.1:1/", RevocationsURL: "http://[::1]/"}, {JWKSURL: "http://localhost/"}, {JWKSURL: "http://internal/", InsecureHTTP: true},
	} {
		v, err := sts.NewVerifier(issuer, audience, good)
		if err != nil {
			t.Errorf("%+v: %v", good, err)
			continue
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
		if _, err := v.Verify(t.Context(), "x"); !errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrRejected) {
			t.Errorf("after Close: %v", err)
		}
	}
	for what, row := range map[string]struct {
		field string
		opts  sts.VerifierOptions
	}{
		"alg": {"Algorithm", sts.VerifierOptions{Algorithm: "none"}}, "HS256": {"Algorithm", sts.VerifierOptions{Algorithm: "HS256"}}, "Refresh -1": {"Refresh", sts.VerifierOptions{Refresh: -1}},
		"Refresh 1 ns": {"Refresh", sts.VerifierOptions{Refresh: 1}}, "Refresh 11 min": {"Refresh", sts.VerifierOptions{Refresh: 11 * time.Minute}}, "Leeway -1": {"Leeway", sts.VerifierOptions{Leeway: -1}},
		"Leeway": {"Leeway", sts.VerifierOptions{Leeway: time.Minute + 1}}, "JWKSURL": {"JWKSURL", sts.VerifierOptions{JWKSURL: "keys"}}, "a JWKSURL of another scheme": {"JWKSURL", sts.VerifierOptions{JWKSURL: "file:///keys", InsecureHTTP: true}},
		"a JWKSURL with a password": {"JWKSURL", sts.VerifierOptions{JWKSURL: "https://u:hunter2-hunter2@a/"}}, "JWKSURL over http": {"JWKSURL", sts.VerifierOptions{JWKSURL: "http://internal/"}}, "almost this machine": {"JWKSURL", sts.VerifierOptions{JWKSURL: "http://localhost.example.com/"}},
		"127.0.0.1.example.com": {"JWKSURL", sts.VerifierOptions{JWKSURL: "http://127.0.0.1.example.com/"}}, "RevocationsURL": {"RevocationsURL", sts.VerifierOptions{RevocationsURL: "https:///"}}, "a fragment": {"RevocationsURL", sts.VerifierOptions{RevocationsURL: "https://a/#b"}},
		"RevocationsURL over http": {"RevocationsURL", sts.VerifierOptions{RevocationsURL: "http://10.0.0.1/"}},
	} {
		v, err := sts.NewVerifier(issuer, audience, &row.opts)
		if v != nil {
			t.Errorf("%s: taken", what)
		}
		wrongOption(t, what, err, row.field, "hunter2-hunter2")
	}
	for _, issuer := range wrongIssuers {
		_, err := sts.NewVerifier(issuer, audience, nil)
		wrongOption(t, issuer, err, "issuer", issuer)
	}
	for _, audience := range append(wrongAudiences, "") {
		_, err := sts.NewVerifier(issuer, audience, nil)
		wrongOption(t, audience, err, "audience", audience)
	}
	// http for the issuer itself is held to the same.
	_, err := sts.NewVerifier("http://auth.internal", audience, nil)
	wrongOption(t, "an issuer over http", err, "JWKSURL", "")
	for _, good := range []struct {
		issuer string
		opts   sts.VerifierOptions
	}{{"http://localhost:1", sts.VerifierOptions{}}, {"http://auth.internal", sts.VerifierOptions{InsecureHTTP: true}}} {
		v, err := sts.NewVerifier(good.issuer, audience, &good.opts)
		if err != nil {
			t.Error(err)
			continue
		}
		v.Close()
	}
}

func TestHandlerOptions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	authorize := func(*http.Request) (sts.Caller, error) { return sts.Caller{}, nil }
	token := strings.Repeat("t", 20)
	for _, good := range []*sts.Options{nil, {}, {Tokens: []string{token, strings.Repeat("u", 4096)}}, {Authorize: authorize}, {Issuer: f.Issuer, Realm: `a "b" \`, Logger: quiet}, {Tokens: []string{}, Authorize: authorize}} {
		if h, err := sts.Handler(f.service, good); err != nil || h == nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for what, tokens := range map[string][]string{
		"empty": {""}, "short": {token[:19]}, "the second": {token, token[1:]}, "a space": {token + " x"}, "a line break": {token + "\n"}, "long": {strings.Repeat("t", 4097)}, "no b64token": {token + "é"}, "a comma": {token + ","},
	} {
		h, err := sts.Handler(f.service, &sts.Options{Tokens: tokens})
		if h != nil {
			t.Errorf("%s: taken", what)
		}
		wrongOption(t, what, err, "Tokens", tokens[0])
	}
	_, err := sts.Handler(f.service, &sts.Options{Tokens: []string{token}, Authorize: authorize})
	wrongOption(t, "both", err, "Tokens", token)
	_, err = sts.Handler(nil, nil)
	wrongOption(t, "no service", err, "service", "")
}
