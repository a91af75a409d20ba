// Package apikeytest helps to test programs that use API keys:
//
//	keys := apikeytest.New(t, nil)
//	_, text := keys.Create(t, apikey.CreateParams{Scopes: []string{"read"}})
//	handler := yourHandler(keys.Verifier)
//	request.Header.Set("Authorization", "Bearer "+text)
//
// Keys live in memory and their hashes cost next to nothing, so that a test can make
// thousands. Never use it outside of tests.
package apikeytest

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Params are the smallest costs that argon2 knows. They protect nothing.
func Params() hash.Params { return hash.Params{Memory: 8, Time: 1, Threads: 1} }

// Options replace parts of what New makes. The zero value, and nil, are good ones.
type Options struct {
	Store    apikey.Store           // nil: a new memstore
	Issuer   apikey.IssuerOptions   // zero Argon2: Params
	Verifier apikey.VerifierOptions // zero: the defaults
}

// Keys is an Issuer and a Verifier on one Store. Safe for concurrent use.
type Keys struct {
	Store    apikey.Store
	Issuer   *apikey.Issuer
	Verifier *apikey.Verifier
}

// New returns an Issuer and a Verifier for one test, which closes the Verifier at its end. It
// fails the test if an option is wrong.
func New(t testing.TB, opts *Options) *Keys {
	t.Helper()
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Store == nil {
		o.Store = memstore.New()
	}
	if o.Issuer.Argon2 == (hash.Params{}) {
		o.Issuer.Argon2 = Params()
	}
	issuer, err := apikey.NewIssuer(o.Store, &o.Issuer)
	if err != nil {
		t.Fatalf("apikeytest: %v", err)
	}
	verifier, err := apikey.NewVerifier(o.Store, &o.Verifier)
	if err != nil {
		t.Fatalf("apikeytest: %v", err)
	}
	t.Cleanup(func() { verifier.Close() })
	return &Keys{Store: o.Store, Issuer: issuer, Verifier: verifier}
}

// Create makes a key and returns it with its text, to be presented by a client. An empty
// Subject is "user_test" and an empty Name "test". It fails the test if the key can't be made.
func (k *Keys) Create(t testing.TB, p apikey.CreateParams) (*apikey.Key, string) {
	t.Helper()
	if p.Subject == "" {
		p.Subject = "user_test"
	}
	if p.Name == "" {
		p.Name = "test"
	}
	key, secret, err := k.Issuer.Create(t.Context(), p)
	if err != nil {
		t.Fatalf("apikeytest: %v", err)
	}
	return key, secret.Reveal()
}
