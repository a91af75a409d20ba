package apikey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

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

// CreateParams describe a new key. Texts are valid UTF-8 without control characters.
type CreateParams struct {
	Subject     string // the owner; required, at most 255 characters
	Name        string // required, at most 255 characters
	Description string // at most 1024 characters
	Type        string // 3 to 25 characters; "" is "api_key"
	CreatedBy   string // at most 255 characters
	// Claims is any JSON value of at most 16 KiB, kept with its order of members and its
	// number texts; null is the same as none.
	Claims json.RawMessage
	// Scopes are scope-tokens (RFC 6749, section 3.3), at most 100 of at most 255 characters.
	Scopes []string
	// ExpiresIn or ExpiresAt, not both, is from 1 second to 100 years ahead, cut to
	// milliseconds. Both zero: the key never expires.
	ExpiresIn time.Duration
	ExpiresAt time.Time
}

// Create makes a key, stores it, and returns it with its secret, which is shown this once and
// can't be had again. The key is durable before Create returns.
func (i *Issuer) Create(ctx context.Context, p CreateParams) (*Key, Secret, error) {
	subject, err := i.inScope(p.Subject)
	if err != nil {
		return nil, Secret{}, err
	}
	p.Subject = subject
	r, err := i.newRecord(p)
	if err != nil {
		return nil, Secret{}, err
	}
	const doing = "create key"
	// The creates of one subject take turns with the other subjects' and with verifications.
	subjectSum := sha256.Sum256([]byte(p.Subject))
	turn := ID(subjectSum[:len(ID{})])
	for {
		r.ID = i.ids.next(i.clock.nanos())
		r.CreatedAt, r.UpdatedAt = r.ID.time(), r.ID.time()
		credential, secret, err := i.newCredential(ctx, r, 1, turn)
		if err != nil {
			return nil, Secret{}, unavailable(doing, err)
		}
		credential.CreatedAt = r.CreatedAt
		r.Credentials = []Credential{credential}
		switch err := i.store.Create(ctx, r); {
		case err == nil:
			i.log(ctx, "created", r)
			return NewKey(r), secret, nil
		case errors.Is(err, ErrExists): // 62 random bits met their equals, or the clock stands still
			if ctx.Err() != nil {
				return nil, Secret{}, unavailable(doing, endOf(ctx))
			}
		case errors.Is(err, ErrNameTaken):
			return nil, Secret{}, ErrNameTaken
		default:
			i.withdraw(ctx, r.ID)
			return nil, Secret{}, unavailable(doing, err)
		}
	}
}

// newRecord validates p.
func (i *Issuer) newRecord(p CreateParams) (*Record, error) {
	if p.Type == "" {
		p.Type = defaultType
	}
	claims, claimsErr := compactClaims(p.Claims)
	now := i.clock.now()
	expires, expiryErr := expiry("ExpiresIn", now, p.ExpiresIn)
	if !p.ExpiresAt.IsZero() {
		if p.ExpiresIn != 0 {
			return nil, invalid("ExpiresAt", "ExpiresIn is set, too")
		}
		expires, expiryErr = checkExpiresAt(now, p.ExpiresAt)
	}
	for _, err := range []error{
		checkRequired("Subject", p.Subject, maxSubject),
		checkRequired("Name", p.Name, maxName),
		checkText("Description", p.Description, maxDescription),
		checkType(p.Type),
		checkText("CreatedBy", p.CreatedBy, maxCreatedBy),
		claimsErr,
		checkScopes(p.Scopes),
		expiryErr,
	} {
		if err != nil {
			return nil, err
		}
	}
	r := &Record{
		Prefix: i.options.Prefix, Type: p.Type, Subject: p.Subject, Name: p.Name, NameFold: foldName(p.Name),
		Description: p.Description, CreatedBy: p.CreatedBy, Claims: claims, Scopes: append([]string(nil), p.Scopes...),
		ExpiresAt: expires,
	}
	if i.options.UniqueNames {
		r.UniqueKey = uniqueKey(r)
	}
	return r, nil
}

// uniqueKey can't be ambiguous: neither part holds a control character.
func uniqueKey(r *Record) string { return r.Subject + "\x00" + r.Name }

// newCredential makes a secret for r and, behind the gate, its slow hash.
func (i *Issuer) newCredential(ctx context.Context, r *Record, number uint16, turn ID) (Credential, Secret, error) {
	key, err := i.seed.key(ctx, true)
	if err != nil {
		return Credential{}, Secret{}, err
	}
	t := token{prefix: r.Prefix, id: r.ID}
	rand.Read(t.secret[:])
	t.tag = key.tag(t, number)

	var digest hash.Digest
	var hashErr error
	if err := i.options.Gate.Do(ctx, turn, func() {
		digest, hashErr = hash.New(t.appendMessage(nil), i.options.Argon2)
	}); err != nil {
		return Credential{}, Secret{}, err
	}
	if hashErr != nil {
		return Credential{}, Secret{}, hashErr
	}
	text := t.text()
	c := Credential{Number: number, Kind: KindGenerated, Hash: digest.String(), Hint: text[len(text)-4:]}
	if i.options.Keyring != nil {
		i.options.Keyring.sign(&c, &t)
	}
	return c, Secret{&text}, nil
}

// withdraw deletes a key whose Create failed but may have been stored: nobody holds its
// secret, and it would keep its name from the next try.
func (i *Issuer) withdraw(ctx context.Context, id ID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := i.store.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
		i.options.Logger.WarnContext(ctx, "apikey: a key whose creation failed may be left in the store",
			"id", keyID(i.options.Prefix, id), "err", err)
	}
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
