package sts

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Verifier checks tokens of one service for one audience. Safe for concurrent use. It is a Verifier of
// package httpauth.
//
// Of a token it takes nothing on trust: not the algorithm, which is the Verifier's own, and no key but
// those that the service publishes. Nothing is remembered of a token, and so nothing goes by its text, of which a
// signature may allow several.
type Verifier struct {
	issuer   string
	audience func(string) bool
	kind     kind
	leeway   time.Duration
	clock    *clock
	source   source
}

// source is where a Verifier has the signing keys and the deaths of keys from.
type source interface {
	find(ctx context.Context, kid string) (any, error) // the public key; nil: none
	judge(ctx context.Context, c *claims) error        // rejections, or ErrUnavailable
	ready() error                                      // not after close
	fetched(ctx context.Context) error                 // all that a judgement needs
	close() error
}

// Verify accepts or refuses a token. The key that it returns is what the token says of its key: ID, Subject,
// Scopes, Claims and Epoch; its Type is "access_token", and CreatedAt and ExpiresAt are when the token was signed and when it
// ends. Name, description and whoever made the key are not known.
//
// Errors are those of [apikey.Verifier.Verify]: [apikey.ErrMalformed] is what has not the form of a token, so that
// AnyOf of package httpauth asks the next; [apikey.ErrUnknown] one that was not signed here or for somebody else,
// or whose secret was rotated away; [apikey.ErrExpired]; [apikey.ErrRevoked] also if its key has lost a scope, its
// subject or its claims since; [apikey.ErrDenied] in the service's own process. [apikey.ErrUnavailable]: keys or deaths
// could not be asked for.
func (v *Verifier) Verify(ctx context.Context, token string) (*apikey.Key, error) {
	c, err := v.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return apikey.NewKey(c.record()), nil
}

func (v *Verifier) verify(ctx context.Context, token string) (*claims, error) {
	if err := v.source.ready(); err != nil {
		return nil, err
	}
	o, err := v.kind.open(ctx, token, v.source.find)
	if err != nil {
		return nil, err
	}
	c, ok := parseClaims(o, v.audience)
	if !ok || c.Issuer != v.issuer {
		return nil, apikey.ErrUnknown
	}
	if err := c.times(o, v.clock.now(), v.leeway); err != nil {
		return nil, &apikey.RejectedError{KeyID: c.ClientID, Err: err}
	}
	if err := v.source.judge(ctx, &c); err != nil {
		var known *apikey.RejectedError
		if errors.Is(err, apikey.ErrRejected) && !errors.As(err, &known) && !errors.Is(err, apikey.ErrUnavailable) {
			err = &apikey.RejectedError{KeyID: c.ClientID, Err: err}
		}
		return nil, err
	}
	// That may have waited, for the service or because the process was stopped; what died meanwhile long ago is not
	// listed any more, as nothing derived from it can be alive.
	if err := c.times(o, v.clock.now(), v.leeway); err != nil {
		return nil, &apikey.RejectedError{KeyID: c.ClientID, Err: err}
	}
	return &c, nil
}

// Close ends what the Verifier does in the background. Afterwards every call is [apikey.ErrUnavailable]. One of
// [Service.Verifier] has nothing to end.
func (v *Verifier) Close() error { return v.source.close() }

// Verifier returns a Verifier in the process of the service: it goes by the service's own signing keys, and looks the
// key of a token up at every call, so that whatever kills the key kills the token at once. audience is one of the
// service's; "": the first. Another is a [*apikey.ValidationError].
//
// A Lookup costs a read of the store if the key is not warm in this process.
func (s *Service) Verifier(audience string) (*Verifier, error) {
	if audience == "" {
		audience = s.options.Audiences[0]
	}
	if !slices.Contains(s.options.Audiences, audience) {
		return nil, invalid("audience", "not one of the service's")
	}
	return s.verifierFor(func(a string) bool { return a == audience }), nil
}

func (s *Service) verifierFor(audience func(string) bool) *Verifier {
	return &Verifier{issuer: s.issuer, audience: audience, kind: s.tokenKind, clock: s.clock, source: &local{s}}
}

// local is the service itself.
type local struct{ *Service }

func (l *local) find(ctx context.Context, kid string) (any, error) { return l.keys.find(ctx, kid) }

func (l *local) ready() error { return nil }
func (l *local) close() error { return nil }

func (l *local) fetched(ctx context.Context) error { return l.Service.Ready(ctx) }

// judge asks for the key as it is now. One that was read before the token was signed elsewhere may be
// behind it; that it is not the other way round is what counts.
func (l *local) judge(ctx context.Context, c *claims) error {
	key, err := l.verifier.Lookup(ctx, c.ClientID)
	if errors.Is(err, apikey.ErrMalformed) { // a prefix that this process does not take
		return apikey.ErrUnknown
	}
	if err != nil {
		return err
	}
	lowest, alive := lowestAlive(key.Credentials(), l.clock.now())
	switch {
	case !alive || c.Number < lowest:
		return apikey.ErrUnknown
	case c.Epoch < key.Epoch():
		return apikey.ErrRevoked
	}
	return nil
}
