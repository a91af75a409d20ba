package httpapi

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/seed-d3a9fb6b/apikey"
)

// Caller says which keys somebody may manage. The zero Caller manages none.
//
// Every operation is open to it, also to delete its keys. What not everybody should do, [Options].Authorize
// refuses by the [Operation].
//
// Neither claims nor the type of a key are there to restrict whoever may create keys: it can create one without.
type Caller struct {
	// All lets it manage every key, and give it any scopes and claims.
	All bool
	// Subjects are those whose keys it may manage. The keys of others do not exist for it.
	Subjects []string
	// Scopes are those that it may give to keys of its Subjects, or it could give itself any. A key that has others,
	// by somebody else, it can neither rotate nor let live longer.
	Scopes []string
	// Claims lets it say what the claims of keys of its Subjects are, and so of their tokens (package sts), and who has
	// created them (created_by). Without,
	// it can neither rotate a key that has claims nor let it live longer.
	Claims bool
	// Name is written down as who revoked a key, without control characters and up to 255 characters; "":
	// nobody's.
	Name string
}

// may refuses what the caller can't give to a key.
func (c *Caller) may(scopes []string, claims json.RawMessage, createdBy string) error {
	if c.All {
		return nil
	}
	for _, s := range scopes {
		if !slices.Contains(c.Scopes, s) {
			return notYours("scopes")
		}
	}
	switch {
	case c.Claims:
	case claims != nil:
		return notYours("claims")
	case createdBy != "":
		return notYours("created_by")
	}
	return nil
}

// mayRenew refuses a new secret, or a longer life, for a key that the caller could not have created.
func (c *Caller) mayRenew(key *apikey.Key) error { return c.may(key.Scopes(), key.Claims(), "") }

// mayUpdate refuses what the caller can't give to the key. What the key has already is not given, as some clients send
// all that they know; nor is it written again, since somebody may have taken it away meanwhile.
func (c *Caller) mayUpdate(key *apikey.Key, p *apikey.UpdateParams) error {
	if c.All {
		return nil
	}
	if slices.Equal(p.Scopes, key.Scopes()) {
		p.Scopes = nil
	}
	if had := key.Claims(); string(p.Claims) == string(had) || had == nil && string(p.Claims) == "null" {
		p.Claims = nil
	}
	if err := c.may(p.Scopes, p.Claims, ""); err != nil || p.ExpiresIn == nil {
		return err
	}
	return c.mayRenew(key)
}

// label returns the name as apikey takes it: a revocation must not fail for how somebody is called.
func (c *Caller) label() string {
	const most = 255
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(c.Name, ""))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// sees reports whether the keys of a subject exist for c.
func (c *Caller) sees(subject string) bool {
	return c.All || subject != "" && slices.Contains(c.Subjects, subject)
}

// issuerFor returns the Issuer with which the caller manages the keys of a subject. It is bound to that one,
// so that a key that is moved away meanwhile is out of reach.
func (r *request) issuerFor(subject string) (*apikey.Issuer, error) {
	switch {
	case !r.caller.sees(subject):
		return nil, notFound
	case r.caller.All:
		return r.issuer, nil
	}
	return r.issuer.ForSubject(subject), nil
}

// key returns the key that a request is about, and the Issuer with which the caller manages it.
func (r *request) key() (*apikey.Key, *apikey.Issuer, error) {
	key, err := r.issuer.Get(r.Context(), r.id)
	if err != nil {
		return nil, nil, err
	}
	issuer, err := r.issuerFor(key.Subject())
	return key, issuer, err
}
