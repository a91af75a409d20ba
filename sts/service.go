package sts

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// ServiceOptions are the choices of [NewService]. The zero value, and nil, are good ones for one process.
type ServiceOptions struct {
	// Keyring seals the signing keys, which are then kept in the store. All processes on the store need it, and
	// a key that is retired there must stay until tokens were made after Rotation has passed, and an hour more. They are the issuer's: another has others. nil: the signing keys are in
	// memory, so that each process has its own, and all tokens die when it ends.
	Keyring *apikey.Keyring
	// Algorithm signs; "": EdDSA.
	Algorithm Algorithm
	// Audiences are those that tokens are made for, the first where none is asked for; nil: the issuer. A key
	// that may be exchanged may be for each of them.
	Audiences []string
	// TTL is how long a token lives, in whole seconds from 10 seconds to 15 minutes; 0: 5 minutes. It ends
	// earlier with its key, or with a secret that was rotated away.
	TTL time.Duration
	// Rotation is how long a signing key signs, from 1 second to a year; 0: 24 hours. Below an hour it is for tests: a
	// set holds all keys of the last quarter of an hour.
	Rotation time.Duration
	// RevocationTTL is how long the list of the dead can be used after it was made, from 10 seconds to 15 minutes; 0:
	// 1 minute. So long do verifiers elsewhere go on when they can't reach the service, and so long may
	// a revocation take then.
	RevocationTTL time.Duration
	// Logger is told of what failed and could be done without; nil: [slog.Default].
	Logger *slog.Logger
}

// Service makes tokens of keys, and says which have died. Safe for concurrent use. It holds no goroutine and
// nothing that must be closed.
type Service struct {
	issuer    string
	verifier  *apikey.Verifier
	options   ServiceOptions
	clock     *clock
	keys      *signingKeys
	revoked   *revocations
	tokenKind kind
}

const (
	minRotation     = time.Second
	maxRotation     = 365 * 24 * time.Hour
	defaultRotation = 24 * time.Hour
	defaultListTTL  = time.Minute
)

// NewService returns a Service for the keys that verifier judges, which are in store. issuer is the URL that
// names it (RFC 8414, section 2): https, or http where nobody else can listen, without query, fragment and a
// slash at its end. It does no I/O: a signing key is made on first use. A wrong option is a
// [*apikey.ValidationError].
//
// The list of the dead needs a store that is an [apikey.ChangeLog], as those of this module are. With another,
// there is none, and tokens can be verified in this process alone.
func NewService(store apikey.Store, verifier *apikey.Verifier, issuer string, opts *ServiceOptions) (*Service, error) {
	var o ServiceOptions
	if opts != nil {
		o = *opts
	}
	switch {
	case store == nil:
		return nil, invalid("store", "required")
	case verifier == nil:
		return nil, invalid("verifier", "required")
	}
	if err := checkIssuer(issuer); err != nil {
		return nil, err
	}
	if err := o.complete(issuer); err != nil {
		return nil, err
	}
	s := &Service{issuer: issuer, verifier: verifier, options: o, clock: newClock(), tokenKind: kind{o.Algorithm, tokenType, maxToken}}
	s.keys = &signingKeys{
		values: store, name: "sts/signing-keys/" + string(o.Algorithm) + "/" + issuer, keyring: o.Keyring, issuer: issuer,
		algorithm: o.Algorithm, rotation: o.Rotation, clock: s.clock, logger: o.Logger, turn: make(chan struct{}, 1),
	}
	if o.Keyring == nil {
		key := make([]byte, 32)
		rand.Read(key)
		keyring, err := apikey.NewKeyring(key)
		if err != nil {
			return nil, err
		}
		s.keys.keyring, s.keys.values = keyring, &memory{stored: map[string][]byte{}}
	}
	if log, is := store.(apikey.ChangeLog); is {
		s.revoked = &revocations{
			store: store, log: log, keys: s.keys, clock: s.clock, issuer: issuer, ttl: o.RevocationTTL, name: rand.Text(),
			judged: map[apikey.ID]judgement{}, turn: make(chan struct{}, 1),
		}
	}
	return s, nil
}

func (o *ServiceOptions) complete(issuer string) error {
	if o.Algorithm == "" {
		o.Algorithm = EdDSA
	}
	if err := o.Algorithm.check(); err != nil {
		return err
	}
	if o.Audiences = slices.Clone(o.Audiences); o.Audiences == nil {
		o.Audiences = []string{issuer}
	}
	if len(o.Audiences) == 0 {
		return invalid("Audiences", "none")
	}
	for _, a := range o.Audiences {
		if err := checkAudience("Audiences", a); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		field          string
		value          *time.Duration
		zero, min, max time.Duration
	}{
		{"TTL", &o.TTL, defaultTTL, minTTL, maxTTL},
		{"Rotation", &o.Rotation, defaultRotation, minRotation, maxRotation},
		{"RevocationTTL", &o.RevocationTTL, defaultListTTL, minTTL, maxTTL},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
		if *d.value < d.min || *d.value > d.max {
			return invalid(d.field, "not from %v to %v", d.min, d.max)
		}
	}
	if o.TTL%time.Second != 0 {
		return invalid("TTL", "not whole seconds")
	}
	if o.RevocationTTL%time.Second != 0 {
		return invalid("RevocationTTL", "not whole seconds")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// Ready reports whether tokens can be made: it reads the signing keys, and makes the first. For the start of a program
// and for its checks of health. [apikey.ErrUnavailable], and [apikey.ErrSealed] too if the keys in the store were
// sealed under another keyring: see [Service.DiscardKeys].
func (s *Service) Ready(ctx context.Context) error {
	_, err := s.keys.current(ctx)
	return err
}

// maxName is the longest issuer or audience in bytes.
const maxName = 1024

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || len(issuer) > maxName || u.Scheme != "https" && u.Scheme != "http" || !isHost(u) || u.String() != issuer,
		u.Path != "" && path.Clean(u.Path) != u.Path, u.Host != strings.ToLower(u.Host):
		return invalid("issuer", "not an absolute http or https URL in its usual spelling")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(issuer, "/"):
		return invalid("issuer", "has user, query, fragment, or a slash at its end")
	}
	return nil
}

// isHost reports whether a URL has the name or the address of a host, and a port that there can be, if any.
func isHost(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0 || port[0] == '0') || port == "" && strings.HasSuffix(u.Host, ":") {
		return false
	}
	if strings.HasPrefix(u.Host, "[") {
		_, err := netip.ParseAddr(host)
		return err == nil && !strings.Contains(host, "%")
	}
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
	})
}

func checkAudience(field, audience string) error {
	if audience == "" || len(audience) > maxName || strings.ContainsFunc(audience, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return invalid(field, "an audience is 1 to %d printable ASCII characters without spaces", maxName)
	}
	return nil
}

// Issuer returns the name of the service, as tokens have it in iss.
func (s *Service) Issuer() string { return s.issuer }

// ExchangeParams say what the token is to be.
type ExchangeParams struct {
	Audience string        // one of ServiceOptions.Audiences; "": the first
	Scopes   []string      // of those that the key has; nil: all; empty: none
	TTL      time.Duration // in whole seconds from 10 seconds to 15 minutes; 0: ServiceOptions.TTL
}

// Exchange verifies a key as [apikey.Verifier.Verify] does, with its errors, and signs a token for it. What
// can't be given is [ErrScope], [ErrAudience], [ErrTooLarge], [ErrClaims] or an [*apikey.ValidationError]; a key or a secret that leaves
// less than a second to a token is an [apikey.ErrExpired].
func (s *Service) Exchange(ctx context.Context, text string, p ExchangeParams) (*Token, error) {
	// Before the key is judged: what dies while this goroutine stands still is dead in the token, too.
	now := s.clock.now()
	key, err := s.verifier.Verify(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.derive(ctx, key, now, p)
}

// derive signs a token for a key that was good at an instant.
func (s *Service) derive(ctx context.Context, key *apikey.Key, now time.Time, p ExchangeParams) (*Token, error) {
	if p.TTL == 0 {
		p.TTL = s.options.TTL
	}
	if p.TTL < minTTL || p.TTL > maxTTL || p.TTL%time.Second != 0 {
		return nil, invalid("TTL", "not whole seconds from %d to %d", minTTL/time.Second, maxTTL/time.Second)
	}
	if p.Audience == "" {
		p.Audience = s.options.Audiences[0]
	}
	if !slices.Contains(s.options.Audiences, p.Audience) {
		return nil, ErrAudience
	}
	scopes := p.Scopes
	if scopes == nil {
		scopes = key.Scopes()
	}
	for _, scope := range scopes {
		if !key.HasScope(scope) {
			return nil, ErrScope
		}
	}
	scopes = unique(scopes) // of which there are no more than the key has
	issued := now.Truncate(time.Second)
	expires := issued.Add(p.TTL)
	for _, end := range []func() (time.Time, bool){key.ExpiresAt, key.SecretNotAfter} {
		if t, is := end(); is && t.Before(expires) {
			expires = t.Truncate(time.Second)
		}
	}
	if expires.Sub(now) < time.Second {
		return nil, &apikey.RejectedError{KeyID: key.ID(), Err: apikey.ErrExpired}
	}
	own, err := ownClaims(key)
	if err != nil {
		return nil, err
	}
	c := claims{
		Issuer: s.issuer, Subject: key.Subject(), Audience: p.Audience, ClientID: key.ID(), IssuedAt: issued.Unix(), Expires: expires.Unix(),
		ID: rand.Text(), Scope: strings.Join(scopes, " "), Number: key.Number(), Epoch: key.Epoch(), own: own,
	}
	payload, err := c.marshal()
	if err != nil {
		return nil, unavailable("write the token", err)
	}
	signing, err := s.keys.signing(ctx, now)
	if err != nil {
		return nil, err
	}
	text, err := sign(signing.token, payload)
	if err != nil {
		return nil, unavailable("sign the token", err)
	}
	if len(text) > maxToken {
		return nil, ErrTooLarge
	}
	return &Token{ID: c.ID, Audience: c.Audience, Scopes: slices.Clone(scopes), IssuedAt: issued, ExpiresAt: expires, text: &text}, nil
}

// DiscardKeys forgets all signing keys, those in the store too, and makes a new one that signs at once: for
// signing keys that have leaked, and for a keyring that is lost. All tokens die: in this process at once, in others
// on the store within 30 seconds, or a quarter of an hour if they can't read it, and elsewhere when a set of that time may be kept no longer, after 5 minutes more
// with the default Rotation. An error may mean that they are gone and that there is no new one yet.
func (s *Service) DiscardKeys(ctx context.Context) error { return s.keys.discard(ctx) }
