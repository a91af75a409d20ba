package httpauth

import (
	"context"
	"errors"

	"github.com/seed-d3a9fb6b/apikey"
)

// Result is one decision about a request. It holds no secret.
//
// A request has one from [Middleware], and another one if [RequireScopes] refuses it.
type Result struct {
	// KeyID is the key's public id, as [apikey.Key.ID]; "" where it is not known to have been issued here.
	KeyID string
	// Source is where the credential was; "" if there was none, or several, and from [RequireScopes].
	Source Source
	// Status is the answer's: 204 is the yes of [Forward]; 0: the request went on to the handler.
	Status int
	// Err says why not; nil: the request went on.
	Err error
}

// Reason returns Err as one of a few fixed words, for the label of a metric: "accepted" (or
// anonymous), "no_credential", "several_credentials", "malformed", "unknown", "revoked", "expired",
// "denied", "insufficient_scope", "overloaded", "unavailable".
func (r Result) Reason() string {
	if r.Err == nil {
		return "accepted"
	}
	for _, known := range reasons {
		if errors.Is(r.Err, known.err) {
			return known.word
		}
	}
	return "unavailable"
}

var reasons = [...]struct {
	err  error
	word string
}{
	{apikey.ErrOverloaded, "overloaded"}, {apikey.ErrUnavailable, "unavailable"},
	{ErrNoCredential, "no_credential"}, {ErrSeveralCredentials, "several_credentials"}, {ErrInsufficientScope, "insufficient_scope"},
	{apikey.ErrMalformed, "malformed"}, {apikey.ErrUnknown, "unknown"}, {apikey.ErrRevoked, "revoked"},
	{apikey.ErrExpired, "expired"}, {apikey.ErrDenied, "denied"},
	{apikey.ErrRejected, "denied"}, // a Verifier's own
}

func (g *guard) report(ctx context.Context, key *apikey.Key, source Source, err error, status int) {
	if g.options.OnResult == nil {
		return
	}
	result := Result{Source: source, Status: status, Err: err}
	var rejected *apikey.RejectedError
	if key != nil {
		result.KeyID = key.ID()
	} else if errors.As(err, &rejected) {
		result.KeyID = rejected.KeyID
	}
	g.options.OnResult(ctx, result)
}
