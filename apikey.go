// Package apikey issues, verifies, rotates and revokes API keys inside a Go server.
//
// An [Issuer] makes keys whose secrets rest under argon2id in a [Store]. A [Verifier] checks
// what a client presents:
//
//	store, err := boltstore.Open("keys.db", nil)
//	issuer, err := apikey.NewIssuer(store, nil)
//	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "ci"})
//	// hand secret.Reveal() to its owner, once
//
//	verifier, err := apikey.NewVerifier(store, nil)
//	key, err = verifier.Verify(ctx, presented)
//	if errors.Is(err, apikey.ErrRejected) {
//		// 401
//	}
//
// The secret is verified by argon2id once; as long as the key is in use, further calls cost
// about one SHA-256. A key is dead the moment [Issuer.Revoke] returns, for every Verifier on
// the same Store value; for other processes the store says how long a change may take to reach
// them.
//
// Every error of a Verifier is either a rejection, which matches [ErrRejected], or a failure
// of the system, which matches [ErrUnavailable] or [ErrOverloaded]. Nothing fails open.
//
// Issuers, Verifiers and Keys are safe for concurrent use.
package apikey

import (
	"encoding/json"
	"slices"
	"time"
)

// Key is what is known of an API key; never its secret. It is immutable: what its methods
// return is a copy, or can't be changed. Safe for concurrent use.
//
// One Key may be shared by every request that presents the same credential. It says what
// was true when its record was read; whether it is still true is what [Verifier.Verify] is for.
type Key struct {
	record *Record // private to the keys made of it; without hashes, MACs and folded name
	number uint16  // of the credential presented; 0: none was
}

// NewKey returns the Key that a record describes, as an [Issuer] does. It keeps no part of r.
// For tests of stores and for packages that read records themselves.
func NewKey(r *Record) *Key {
	c := r.Clone()
	c.strip()
	return &Key{record: c}
}

// strip removes what verifies secrets and what only stores need.
func (r *Record) strip() {
	r.NameFold, r.UniqueKey, r.unknown = "", "", nil
	for i := range r.Credentials {
		c := &r.Credentials[i]
		c.Hash, c.MAC, c.MACKey, c.unknown = "", nil, 0, nil
	}
}

// ID returns the key's public name: the prefix, "_" and 32 hexadecimal digits.
func (k *Key) ID() string { return keyID(k.record.Prefix, k.record.ID) }

// Type returns the key's type; "api_key" unless it was created with another.
func (k *Key) Type() string { return k.record.Type }

// Subject returns the owner.
func (k *Key) Subject() string { return k.record.Subject }

// Name returns the name given by the owner.
func (k *Key) Name() string { return k.record.Name }

// Description returns the description; "" if there is none.
func (k *Key) Description() string { return k.record.Description }

// CreatedBy returns who created the key; "" if that was not said.
func (k *Key) CreatedBy() string { return k.record.CreatedBy }

// Claims returns the claims as JSON; nil if there are none.
func (k *Key) Claims() json.RawMessage { return slices.Clone(k.record.Claims) }

// Scopes returns the scopes in the order given.
func (k *Key) Scopes() []string { return slices.Clone(k.record.Scopes) }

// HasScope reports whether scope is one of the key's, byte by byte. It allocates nothing.
func (k *Key) HasScope(scope string) bool { return slices.Contains(k.record.Scopes, scope) }

// CreatedAt returns when the key was created.
func (k *Key) CreatedAt() time.Time { return k.record.CreatedAt }

// UpdatedAt returns when the key was last changed by a management call.
func (k *Key) UpdatedAt() time.Time { return k.record.UpdatedAt }

// ExpiresAt returns the first instant at which the key is expired; false: it never is.
func (k *Key) ExpiresAt() (time.Time, bool) { return optional(k.record.ExpiresAt) }

// Expired reports whether the key is expired by the system's clock now.
func (k *Key) Expired() bool { return ended(k.record.ExpiresAt, time.Now()) }

// Revoked reports whether the key was revoked, which is final.
func (k *Key) Revoked() bool { return !k.record.RevokedAt.IsZero() }

// RevokedAt returns when the key was revoked; false: it is not.
func (k *Key) RevokedAt() (time.Time, bool) { return optional(k.record.RevokedAt) }

// RevocationReason returns why the key was revoked; "" if it is not or that was not said.
func (k *Key) RevocationReason() string { return k.record.RevokedReason }

// RevokedBy returns who revoked the key; "" if it is not or that was not said.
func (k *Key) RevokedBy() string { return k.record.RevokedBy }

// LastUsedAt returns when one of the key's secrets was last accepted, as far as that had
// been written when the key was read (see [VerifierOptions].LastUsedInterval); false: never.
func (k *Key) LastUsedAt() (time.Time, bool) { return optional(k.record.LastUsedAt) }

// Number returns the number of the credential presented: 1 for the secret that Create made,
// one more with each Rotate. It is 0 if none was presented, as in a Key from an Issuer or
// from [Verifier.Lookup].
func (k *Key) Number() uint16 { return k.number }

// SecretNotAfter returns the instant at which the credential presented dies, if it was rotated
// away and lives in its grace. It is false if the credential is open-ended, or none was presented.
func (k *Key) SecretNotAfter() (time.Time, bool) {
	if c := k.record.credential(k.number); c != nil && k.number != 0 {
		return optional(c.NotAfter)
	}
	return time.Time{}, false
}

// Hint returns the beginning of the text of the credential presented, else of the newest one, up
// to where the secret begins: enough to tell whose key a text is, and nothing of the secret.
func (k *Key) Hint() string {
	if c := k.record.credential(k.number); c != nil && k.number != 0 {
		return c.Hint
	}
	if len(k.record.Credentials) == 0 {
		return ""
	}
	return k.record.Credentials[0].Hint
}

// Credentials returns what may be known of the secrets that are alive by the system's clock,
// newest first. Hash, MAC and MACKey are empty.
func (k *Key) Credentials() []Credential {
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(k.record.Credentials), func(c Credential) bool { return ended(c.NotAfter, now) })
}

func optional(t time.Time) (time.Time, bool) { return t, !t.IsZero() }

// ended: an end is the first instant at which it is over; zero: none.
func ended(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }
