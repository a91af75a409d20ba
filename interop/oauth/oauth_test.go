// Package oauth_test holds a running examples/server, and the tokens that it makes, against clients and verifiers
// for OAuth 2.0 and JWT that know nothing of us.
package oauth_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

const (
	user = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"
	// Who the tokens are for: the resource, and the server itself; and somebody else.
	api   = "https://api.example.com"
	other = "https://other.example.com"
)

// TestOAuth has all tests share two processes.
func TestOAuth(t *testing.T) {
	t.Parallel()
	s := &service{Server: serverproc.StartWith(t, []string{"-audiences", api + "," + other})}
	s.resource = serverproc.StartResource(t, s.URL, "-audience", api)
	s.discover(t)
	for name, test := range map[string]func(*testing.T, *service){
		"x/oauth2": client, "x/oauth2 refused": clientRefused, "go-oidc": verifyOIDC, "golang-jwt": verifyJWT, "claims": claims,
		"token exchange": tokenExchange, "introspection": introspection, "revocation": revocation, "revoked": revoked,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}
