// Package sts exchanges API keys for short-lived JWTs (RFC 9068) that any process and any language can
// verify, and that die with their key.
//
//	service, err := sts.NewService(store, verifier, "https://auth.example.com", &sts.ServiceOptions{Keyring: keyring})
//	handler, err := sts.Handler(service, &sts.Options{Issuer: issuer})
//	for _, path := range service.Paths() {
//		mux.Handle(path, handler)
//	}
//
// A process that holds no store verifies what the service has signed:
//
//	tokens, err := sts.NewVerifier("https://auth.example.com", "https://api.example.com", nil)
//	defer tokens.Close()
//	auth := httpauth.Middleware(tokens, nil)
//
// and one that has the keys takes both, told apart by their shape:
//
//	tokens, err := service.Verifier("https://api.example.com")
//	auth := httpauth.Middleware(httpauth.AnyOf(tokens, verifier), nil)
//
// In this order tokens are not counted as malformed keys, and a key costs a look for a dot more.
//
// # How a token dies
//
// A token is signed for 5 minutes, and never for more than 15, nor past the expiry of its key or of the
// secret that was presented. Before that it dies when its key is revoked, deleted or disabled, when the
// secret it was derived from is rotated away, and when a scope, the subject or the claims are
// taken from the key, also when a key that was expired is given a new end: it carries the number of that secret and the key's epoch (see [apikey.Record]).
//
// In the process of the service that is at once: [Service.Verifier] looks the key up at every
// call. Other processes fetch a signed list of the keys that died lately, by default every 2.5
// seconds, so that a token dies there within 5 seconds; see [VerifierOptions].Refresh. If it can't be
// fetched, they keep the last until it expires, a minute after it was made, and then refuse.
//
// What [apikey.VerifierOptions].Check refuses is refused at the exchange and in the service's own process, at once.
// The list knows only what the store knows: revoke the keys of whoever must be out everywhere.
//
// While a store is slow the list is late, and verifiers go on as without one.
//
// The list is short, not one of all tokens as in a Token Status List (draft-ietf-oauth-status-list): as no token
// outlives 15 minutes, nothing that died earlier needs to be in it. So its length follows the deaths
// of a quarter of an hour and not the tokens alive, an exchange writes nothing to the store, and
// there is no index that could be given away twice.
//
// # Signing keys
//
// They are made on first use and replaced every 24 hours; each is published long enough before it signs
// for every cache to have it, and until nothing that it signed is alive. With a keyring they are kept
// in the store, sealed, so that all processes on one store sign with and publish the same. Without
// one they are in memory: they are other ones in each process and after each restart, which kills all
// tokens.
package sts

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

const (
	tokenType       = "at+jwt"             // RFC 9068, section 2.1
	revocationsType = "keyrevocations+jwt" // so that neither can be taken for the other

	defaultTTL = 5 * time.Minute
	minTTL     = 10 * time.Second
	maxTTL     = 15 * time.Minute

	// maxToken is the longest token in bytes. Headers of 8 KiB are all that some servers take.
	maxToken = 4 << 10

	// slack is what clocks of several machines may differ by before a token outlives what it needs.
	slack = time.Minute
)

// Algorithm is one of JWS (RFC 7518, RFC 8037). A service has one, and so has a Verifier.
type Algorithm string

// The algorithms.
const (
	EdDSA Algorithm = "EdDSA" // Ed25519; the default
	ES256 Algorithm = "ES256" // ECDSA on P-256, for verifiers that know no EdDSA
)

func (a Algorithm) check() error {
	if a != EdDSA && a != ES256 {
		return invalid("Algorithm", "neither EdDSA nor ES256")
	}
	return nil
}

// Refusals of an exchange whose key is good.
var (
	// ErrScope: the key does not have a scope that was asked for.
	ErrScope = errors.New("sts: the key does not have a scope that was asked for")
	// ErrAudience: the service makes no tokens for the audience that was asked for.
	ErrAudience = errors.New("sts: not an audience of this service")
	// ErrTooLarge: scopes and claims don't fit into a token of 4 KiB. Fewer scopes may.
	ErrTooLarge = errors.New("sts: the token would be longer than 4 KiB")
	// ErrClaims: the key's claims are an object that has a name twice, or equal but for the case of letters, so that readers
	// would make different things of it, or more than 70 members beside those that are left out. What is nested in them is passed on as it is.
	ErrClaims = errors.New("sts: the key's claims can't be put into a token")
)

func invalid(field, format string, args ...any) error {
	return &apikey.ValidationError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// unavailable makes a failure of a fault. Whatever the fault wraps, it is no rejection.
func unavailable(doing string, cause error) error {
	if errors.Is(cause, apikey.ErrRejected) {
		return fmt.Errorf("%w: %s: %v", apikey.ErrUnavailable, doing, cause)
	}
	return fmt.Errorf("%w: %s: %w", apikey.ErrUnavailable, doing, cause)
}
