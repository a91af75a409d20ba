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
	"fmt"
	"io"
	"time"
)

// Key is what is known of an API key; never its secret. It is immutable: what its methods
// return is a copy, or can't be changed. Safe for concurrent use.
//
// One Key may be shared by every request that presents the same credential. It says what
// was true when its record was read; whether it is still true is what [Verifier.Verify] is for.
type Key struct {
	facts  *facts // behind a pointer: package fmt would print it by some verbs
	number uint16 // of the credential presented; 0: none was
}

// NewKey returns the Key that a record describes, as an [Issuer] does. It keeps no part of r.
// For tests of stores and for packages that read records themselves.
func NewKey(r *Record) *Key { return keyOf(pack(r), 0) }

func keyOf(f facts, number uint16) *Key { return &Key{&f, number} }

// Format writes the key's public name, as ID returns it, whatever the verb.
func (k Key) Format(f fmt.State, _ rune) {
	if k.facts == nil { // a zero Key
		io.WriteString(f, "[no key]")
		return
	}
	io.WriteString(f, k.ID())
}

// ID returns the key's public name: the prefix, "_" and 32 hexadecimal digits.
func (k *Key) ID() string { return k.facts.keyID() }

// Type returns the key's type; "api_key" unless it was created with another.
func (k *Key) Type() string { return k.facts.text(typeText) }

// Subject returns the owner.
func (k *Key) Subject() string { return k.facts.text(subjectText) }

// Name returns the name given by the owner.
func (k *Key) Name() string { return k.facts.text(nameText) }

// Description returns the description; "" if there is none.
func (k *Key) Description() string { return k.facts.text(descriptionText) }

// CreatedBy returns who created the key; "" if that was not said.
func (k *Key) CreatedBy() string { return k.facts.text(createdByText) }

// Claims returns the claims as JSON; nil if there are none.
func (k *Key) Claims() json.RawMessage {
	if claims := k.facts.text(claimsText); claims != "" {
		return json.RawMessage(claims)
	}
	return nil
}

// Scopes returns the scopes in the order given.
func (k *Key) Scopes() []string {
	var scopes []string
	for i := range k.facts.scopes() {
		scopes = append(scopes, k.facts.scope(i))
	}
	return scopes
}

// HasScope reports whether scope is one of the key's, byte by byte. It allocates nothing.
func (k *Key) HasScope(scope string) bool {
	for i := range k.facts.scopes() {
		if k.facts.scope(i) == scope {
			return true
		}
	}
	return false
}

// CreatedAt returns when the key was created.
func (k *Key) CreatedAt() time.Time { return k.facts.time(created) }

// UpdatedAt returns when the key was last changed by a management call.
func (k *Key) UpdatedAt() time.Time { return k.facts.time(updated) }

// ExpiresAt returns the first instant at which the key is expired; false: it never is.
func (k *Key) ExpiresAt() (time.Time, bool) { return optional(k.facts.time(expires)) }

// Expired reports whether the key is expired by the system's clock now.
func (k *Key) Expired() bool { return ended(k.facts.time(expires), time.Now()) }

// Revoked reports whether the key was revoked, which is final.
func (k *Key) Revoked() bool { return !k.facts.time(revokedAt).IsZero() }

// RevokedAt returns when the key was revoked; false: it is not.
func (k *Key) RevokedAt() (time.Time, bool) { return optional(k.facts.time(revokedAt)) }

// RevocationReason returns why the key was revoked; "" if it is not or that was not said.
func (k *Key) RevocationReason() string { return k.facts.text(reasonText) }

// RevokedBy returns who revoked the key; "" if it is not or that was not said.
func (k *Key) RevokedBy() string { return k.facts.text(revokedByText) }

// LastUsedAt returns when one of the key's secrets was last accepted, as far as that had
// been written when the key was read (see [VerifierOptions].LastUsedInterval); false: never.
func (k *Key) LastUsedAt() (time.Time, bool) { return optional(k.facts.time(lastUse)) }

// Number returns the number of the credential presented: 1 for the secret that Create made,
// one more with each Rotate. It is 0 if none was presented, as in a Key from an Issuer or
// from [Verifier.Lookup].
func (k *Key) Number() uint16 { return k.number }

// SecretNotAfter returns the instant at which the credential presented dies, if it was rotated
// away and lives in its grace. It is false if the credential is open-ended, or none was presented.
func (k *Key) SecretNotAfter() (time.Time, bool) {
	return optional(k.facts.notAfter(k.number))
}

// Epoch returns how often something was taken from the key that a token derived from it may
// assert: a scope, its subject, its claims, its life. See [Record].
func (k *Key) Epoch() uint32 { return uint32(k.facts.uint32(epochAt)) }

// Hint returns the beginning of the text of the credential presented, else of the newest one, up
// to where the secret begins: enough to tell whose key a text is, and nothing of the secret.
func (k *Key) Hint() string {
	if c, ok := k.facts.presented(k.number); ok {
		return c.Hint
	}
	if k.facts.credentials() == 0 {
		return ""
	}
	return k.facts.credential(0).Hint
}

// Credentials returns what may be known of the secrets that are alive by the system's clock,
// newest first. Hash, MAC and MACKey are empty.
func (k *Key) Credentials() []Credential {
	now := time.Now()
	var alive []Credential
	for i := range k.facts.credentials() {
		if c := k.facts.credential(i); !ended(c.NotAfter, now) {
			alive = append(alive, c)
		}
	}
	return alive
}

func optional(t time.Time) (time.Time, bool) { return t, !t.IsZero() }

// ended: an end is the first instant at which it is over; zero: none.
func ended(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }
