package oauth_test

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// refresh is within what time examples/resource knows of a death.
const refresh = 5 * time.Second

// revoked: a client whose key is revoked while it has a token is refused by the server at its next request, and by the second
// process within seconds. A verifier that knows of JWT alone accepts the token until it ends by itself, which is soon.
func revoked(t *testing.T, s *service) {
	k, lives := s.create(t, "revoked"), s.create(t, "lives")
	source := config(s, k, oauth2.AuthStyleInHeader, api)
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good, published := s.token(t, lives, api), keys(t, s)
	calls := oauth2.NewClient(t.Context(), oauth2.StaticTokenSource(token))
	ask := func(base string) int {
		response, err := calls.Get(base + "/whoami")
		if err != nil {
			t.Fatal(err)
		}
		return read(t, response).status
	}
	for _, base := range []string{s.URL, s.resource} {
		if status := ask(base); status != http.StatusOK {
			t.Fatalf("%s answers %d while the key is good", base, status)
		}
	}

	s.revoke(t, k)
	died := time.Now()
	if status := ask(s.URL); status != http.StatusUnauthorized {
		t.Errorf("the server answers %d after the revocation", status)
	}
	t.Logf("refused by the server at the next request, %v after the revocation was answered", time.Since(died).Round(10*time.Microsecond))
	if _, err := strict(s, api).Parse(token.AccessToken, published); err != nil || time.Until(token.Expiry) > 5*time.Minute+time.Second {
		t.Errorf("to golang-jwt it is dead, too, or lives for long: %v, %v", err, time.Until(token.Expiry))
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Since(died)
		status := ask(s.resource)
		if status == http.StatusUnauthorized {
			break
		}
		if status != http.StatusOK || asked > refresh {
			t.Fatalf("the second process answers %d to what was asked %v after the revocation", status, asked)
		}
		<-tick.C
	}
	t.Logf("refused in the second process after %v, of %v that it may take", time.Since(died).Round(time.Millisecond), refresh)
	if status := ask(s.resource); status != http.StatusUnauthorized {
		t.Errorf("and then answers %d", status)
	}
	for _, base := range []string{s.URL, s.resource} {
		if a := get(t, base+"/whoami", good); a.status != http.StatusOK {
			t.Errorf("another key's token gets %d at %s: %s", a.status, base, a.body)
		}
	}
}
