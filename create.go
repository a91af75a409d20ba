package apikey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"time"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

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
	for try := 1; ; try++ {
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
		case errors.Is(err, ErrExists): // 62 random bits met their equals, which happens once at most
			if try == 3 {
				return nil, Secret{}, unavailable(doing, err)
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
		if ctx.Err() != nil {
			err = endOf(ctx)
		}
		return Credential{}, Secret{}, err
	}
	if hashErr != nil {
		return Credential{}, Secret{}, hashErr
	}
	text := t.text()
	c := Credential{Number: number, Kind: KindGenerated, Hash: digest.String(), Hint: hint(text)}
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
