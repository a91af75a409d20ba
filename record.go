package apikey

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// ID is a key's identity: a UUIDv7 (RFC 9562). Byte order is creation order; stores sort
// by it and by nothing else.
type ID [16]byte

// IsZero reports whether the id is the zero value, which no key has.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders ids by creation: -1, 0 or +1.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// String returns 32 hexadecimal digits. [Key.ID] puts the prefix before them.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Record is all that a [Store] keeps of one key. It holds no secret, only what verifies
// one. Times are UTC and whole milliseconds; the zero time means none.
//
// Stores interpret ID, Version, UniqueKey, the fields that [Filter] names and the
// last-used times. The rest they carry, also what a newer program has put into a record and
// this one does not know: MarshalBinary and Clone keep that, field by field copies do not.
type Record struct {
	ID      ID
	Version uint64 // 1 after Create, one more with each Replace

	Prefix      string
	Type        string
	Subject     string
	Name        string
	Description string
	CreatedBy   string

	NameFold  string // Name, case folded by this package; stores compare its bytes
	UniqueKey string // any bytes; no two records of a store share one that is not empty; cleared when the key is revoked

	Claims json.RawMessage // any JSON value, kept byte for byte; nil: none
	Scopes []string        // in the order given

	CreatedAt time.Time
	UpdatedAt time.Time
	ExpiresAt time.Time // zero: never

	RevokedAt     time.Time // zero: not revoked
	RevokedReason string
	RevokedBy     string

	Disabled bool // a Verifier refuses the key with ErrDenied; nothing in this package sets it yet

	// Epoch counts how often something was taken from the key that a token derived from it may
	// assert: a scope, its subject, its claims, or its life, where that was over and another was given. What was
	// derived in an older epoch is dead.
	Epoch uint32

	Credentials []Credential // newest first, so the first has the highest number ever used

	LastUsedAt time.Time // of any credential; only RecordUse moves it

	unknown []field // fields of a newer program that may be carried without being understood
}

// Kinds of credentials: who made the secret.
const (
	KindGenerated uint8 = iota // by an Issuer: 192 random bits
	KindImported               // elsewhere: it may be weak, so nothing but its slow hash is ever kept
)

// Credential is what verifies one secret of a key. A key has more than one while a
// rotation's grace lasts.
type Credential struct {
	Number uint16 // 1, 2, …: never reused within a key
	Kind   uint8  // KindGenerated or KindImported
	Hash   string // argon2id, as a PHC string; always set in a Record, never in what a Key shows
	MAC    []byte // HMAC-SHA-256 under a key of a Keyring; nil: none yet
	MACKey uint32 // which key of the Keyring
	Hint   string // the public beginning of the key's text, for lists: prefix, underscore, 22 digits

	CreatedAt  time.Time
	NotAfter   time.Time // the secret is dead from here on; zero: it lives as long as the key
	LastUsedAt time.Time // only RecordUse moves it

	unknown []field
}

// Use is one last-used time.
type Use struct {
	ID     ID
	Number uint16 // of the credential
	At     time.Time
}

// Apply moves the last-used times of r and of the credential forward to u.At and reports
// whether either moved. Another record's id and a number that r does not have change nothing.
func (u Use) Apply(r *Record) bool {
	if u.ID != r.ID {
		return false
	}
	i := slices.IndexFunc(r.Credentials, func(c Credential) bool { return c.Number == u.Number })
	if i < 0 {
		return false
	}
	moved := false
	for _, last := range []*time.Time{&r.LastUsedAt, &r.Credentials[i].LastUsedAt} {
		if u.At.After(*last) {
			*last, moved = u.At, true
		}
	}
	return moved
}

// KeepUse gives r the last-used times of old, whatever it had: a Replace must not take
// back, nor invent, what RecordUse wrote meanwhile. A credential that old does not have
// was never used.
func (r *Record) KeepUse(old *Record) {
	r.LastUsedAt = old.LastUsedAt
	for i := range r.Credentials {
		c := &r.Credentials[i]
		c.LastUsedAt = time.Time{}
		if had := old.credential(c.Number); had != nil {
			c.LastUsedAt = had.LastUsedAt
		}
	}
}

// Clone returns a deep copy: nothing reachable from it is reachable from r.
func (r *Record) Clone() *Record {
	c := *r
	c.Claims = slices.Clone(r.Claims)
	c.Scopes = slices.Clone(r.Scopes)
	c.Credentials = slices.Clone(r.Credentials)
	for i := range c.Credentials {
		c.Credentials[i].MAC = slices.Clone(c.Credentials[i].MAC)
	}
	// unknown is never changed once it is decoded, so it may be shared.
	return &c
}

// credential returns the credential with this number, or nil.
func (r *Record) credential(number uint16) *Credential {
	for i := range r.Credentials {
		if r.Credentials[i].Number == number {
			return &r.Credentials[i]
		}
	}
	return nil
}
