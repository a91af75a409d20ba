package sts_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Whatever is exchanged is accepted: what a Verifier would refuse is refused at the exchange.
func TestWhatIsExchangedIsAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	exchanged := func(what string, p apikey.CreateParams) bool {
		t.Helper()
		p.Name = what
		key, text := f.Create(t, p)
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
		if err != nil {
			if !errors.Is(err, sts.ErrClaims) {
				t.Errorf("%s: %v", what, err)
			}
			return false
		}
		got, err := f.verifier(t).Verify(t.Context(), token.Reveal())
		if err != nil || got.Subject() != key.Subject() {
			t.Errorf("%s: %v, %v", what, got, err)
		}
		return true
	}
	most := 0
	for n := 1; n <= 120; n++ {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"%x":1`, i))
		}
		if exchanged(fmt.Sprint(n, " members"), apikey.CreateParams{Claims: json.RawMessage("{" + strings.Join(members, ",") + "}")}) {
			most = n
		}
	}
	if most < 70 || most > 90 {
		t.Errorf("up to %d members are taken", most)
	}
	for _, subject := range []string{"a\"\ufffd", "\ufffd", `a\b`, `\ud800`, `\ufffd`, `a\"\ufffd`, "ü<>&\u2028", "\U0001F511\"", strings.Repeat("\"\ufffd", 100)} {
		if !exchanged(fmt.Sprintf("%.20q", subject), apikey.CreateParams{Subject: subject}) {
			t.Errorf("%q is not taken", subject)
		}
	}
}

// Other readers' names for what a token says are not a key's to use.
func TestOtherNamesForScope(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(`{"scp":["admin"],"scopes":"admin","username":"root","roles":["its own"]}`)})
	p := payloadOf(t, f.exchange(t, text, sts.ExchangeParams{}))
	if p["scp"] != nil || p["scopes"] != nil || p["username"] != nil || p["scope"] != nil || string(p["roles"]) != `["its own"]` {
		t.Errorf("%s", p)
	}
}

// What is refused is refused early: a header that is too long, a scope before those behind it.
func TestLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read"}})
	r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(clientGrant().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(key.ID()+":"+text+strings.Repeat("x", 1<<20))))
	decode(t, f.serve(r), http.StatusUnauthorized)
	for scope, want := range map[string]string{
		strings.Repeat("read ", 10_000) + "read":    "read",
		strings.Repeat("read ", 10_000) + "admin":   "",
		"admin" + strings.Repeat(" read", 10_000):   "",
		"read" + strings.Repeat(" x", 20_000) + " ": "",
	} {
		w := f.post(t, "/oauth/token", clientGrant("scope", scope), key.ID(), text)
		if want == "" {
			if got := decode(t, w, http.StatusBadRequest); got["error"] != "invalid_scope" {
				t.Errorf("%v", got)
			}
		} else if got := decode(t, w, http.StatusOK); got["scope"] != want {
			t.Errorf("%v", got)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/oauth/revocations"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Range", "bytes=100000000-")
		if w := f.serve(r); w.Code != http.StatusOK {
			t.Errorf("%s, a part: %d", path, w.Code)
		}
	}
}

// A realm that would break the header, and a URL without a host, are refused; what is in a URL is in no error.
func TestOptionsThatWouldBreak(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	for _, realm := range []string{"a\r\nb", "a\x00", "ü", "\x7f"} {
		_, err := sts.Handler(f.service, &sts.Options{Realm: realm})
		wrongOption(t, realm, err, "Realm", realm)
	}
	for _, url := range []string{"https://:443/x", "https:///x", "https://*/x", "https://a:0/x"} {
		_, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{JWKSURL: url})
		wrongOption(t, url, err, "JWKSURL", url)
	}
	elsewhere, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{JWKSURL: "https://127.0.0.1:1/x?code=SECRETCODE", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	_, text := f.Create(t, apikey.CreateParams{})
	if _, err := elsewhere.Verify(t.Context(), f.exchange(t, text, sts.ExchangeParams{})); !errors.Is(err, apikey.ErrUnavailable) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("%v", err)
	}
}
