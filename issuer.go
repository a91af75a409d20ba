package apikey

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// Defaults of an Issuer.
const (
	defaultPrefix = "ak"
	defaultType   = "api_key"
)

// IssuerOptions are the choices of an [Issuer]. The zero value, and nil, are good ones.
type IssuerOptions struct {
	// Prefix begins every key: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 24 characters; "" is "ak".
	Prefix string
	// Keyring gives each new credential a MAC beside its slow hash, so that a Verifier with the
	// same Keyring needs no argon2; nil: none.
	Keyring *Keyring
	// Argon2 is the cost of new hashes; zero: [hash.Default].
	Argon2 hash.Params
	// Gate bounds the argon2 runs; share one with the Verifiers of the process. nil: one of
	// its own, with the defaults of [hash.NewGate].
	Gate *hash.Gate
	// UniqueNames refuses a name that another key of the subject has, revoked ones aside,
	// with ErrNameTaken. An expired key holds its name.
	UniqueNames bool
	// Logger is told of every key created, changed or gone, at level Info; nil: nobody is.
	Logger *slog.Logger
}

// Issuer creates and manages keys. Safe for concurrent use; it holds nothing to close.
//
// Its errors are [*ValidationError] for a wrong argument, [ErrNotFound], [ErrNameTaken],
// [ErrRevokedKey], and [ErrUnavailable] or [ErrOverloaded] for a fault, with its cause.
// After a fault a change may or may not have been made: call again, or Get.
type Issuer struct {
	*issuing
	subject *string // nil: all subjects
}

// issuing is what an Issuer and those made of it by ForSubject have in common.
type issuing struct {
	store   Store
	watched bool
	options IssuerOptions
	clock   *clock
	ids     newIDs
	seed    *seed
}

// NewIssuer returns an Issuer on store. It does no I/O. A wrong option is a [*ValidationError].
func NewIssuer(store Store, opts *IssuerOptions) (*Issuer, error) {
	if store == nil {
		return nil, invalid("store", "required")
	}
	var o IssuerOptions
	if opts != nil {
		o = *opts
	}
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if !validPrefix(o.Prefix) {
		return nil, invalid("Prefix", "not [a-z][a-z0-9]*(_[a-z0-9]+)* of at most %d characters", maxPrefix)
	}
	if o.Keyring != nil && len(o.Keyring.keys) == 0 {
		return nil, invalid("Keyring", "not one that NewKeyring made")
	}
	var err error
	if o.Argon2, err = o.Argon2.Resolve(); err != nil {
		return nil, invalid("Argon2", "%v", err)
	}
	if o.Gate == nil {
		if o.Gate, err = hash.NewGate(0, 0, 0); err != nil {
			return nil, invalid("Gate", "%v", err)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	_, watched := store.(Watcher)
	return &Issuer{issuing: &issuing{store: store, watched: watched, options: o,
		clock: newClock(), seed: newSeed(store, new(atomic.Uint64))}}, nil
}

// ForSubject returns an Issuer that sees and touches the keys of one subject only, for
// serving that subject's own calls. Another subject, in an id or in parameters, is
// ErrNotFound, and Update can't move a key out. An empty Subject in parameters means this
// one. ForSubject("") sees nothing. Of an Issuer that is for another subject already, it
// sees nothing either.
func (i *Issuer) ForSubject(subject string) *Issuer {
	if i.subject != nil && *i.subject != subject {
		subject = ""
	}
	return &Issuer{i.issuing, &subject}
}

// Prefix returns what its keys, and their ids, begin with.
func (i *Issuer) Prefix() string { return i.options.Prefix }

// Manages reports whether a key, as a [Verifier] returns it, is one that this Issuer sees: any, or those of the
// subject that it is for. It does no I/O.
func (i *Issuer) Manages(key *Key) bool {
	return key != nil && (i.subject == nil || *i.subject != "" && key.Subject() == *i.subject)
}

// inScope returns the subject that parameters mean.
func (i *Issuer) inScope(subject string) (string, error) {
	if i.subject == nil {
		return subject, nil
	}
	if *i.subject == "" || subject != "" && subject != *i.subject {
		return "", fmt.Errorf("%w: not for this subject", ErrNotFound)
	}
	return *i.subject, nil
}

// sees reports whether r, found under an id with this prefix, is this Issuer's to touch.
func (i *Issuer) sees(r *Record, prefix string) bool {
	return r.Prefix == prefix && (i.subject == nil || *i.subject != "" && r.Subject == *i.subject)
}

func (i *Issuer) log(ctx context.Context, event string, r *Record) {
	i.options.Logger.InfoContext(ctx, "apikey: "+event, "id", keyID(r.Prefix, r.ID), "subject", r.Subject)
}
