package peers

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// library is this library, with the defaults of a Verifier. Its hashes are tiny, and a keyring
// takes the place of argon2 at a key's first call: neither plays a part once a key is warm.
type library struct {
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
}

func newLibrary() (Peer, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	ring, err := apikey.NewKeyring(secret)
	if err != nil {
		return nil, err
	}
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{
		Keyring: ring, Argon2: hash.Params{Memory: 8, Time: 1, Threads: 1}})
	if err != nil {
		return nil, err
	}
	verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Keyring: ring})
	if err != nil {
		return nil, err
	}
	return &library{issuer, verifier}, nil
}

func (l *library) Issue(_, owner string, expires time.Time) (string, error) {
	_, secret, err := l.issuer.Create(context.Background(), apikey.CreateParams{
		Subject: owner, Name: "peer", Scopes: []string{"read", "write"}, ExpiresAt: expires})
	return secret.Reveal(), err
}

func (l *library) Verify(presented string) (string, error) {
	key, err := l.verifier.Verify(context.Background(), presented)
	if err != nil {
		return "", err
	}
	return key.Subject(), nil
}

func (l *library) Revoke(presented string) error {
	id, err := apikey.KeyID(presented)
	if err != nil {
		return err
	}
	_, err = l.issuer.Revoke(context.Background(), id, apikey.RevokeParams{})
	return err
}

// Close ends the Verifier.
func (l *library) Close() error { return l.verifier.Close() }
