package apikey

import (
	"sync/atomic"
	"time"
)

// Token is the text of a key taken apart.
type Token struct {
	Prefix string
	ID     ID
	Secret [24]byte
	Tag    uint64
}

// ParseText reads a text as a Verifier does before it looks at the tag.
func ParseText(text string) (Token, bool) {
	if !checksumHolds(text) {
		return Token{}, false
	}
	t, ok := parseToken(text)
	return Token{t.prefix, t.id, t.secret, t.tag}, ok
}

// Text spells the token out.
func (t Token) Text() string { return t.token().text() }

// Sign sets the tag for a credential of this number.
func (t *Token) Sign(seed []byte, number uint16) { t.Tag = newTagKey(seed).tag(*t.token(), number) }

// Message is what the hash, the tag and the MAC of the credential are of.
func (t Token) Message() string { return string(t.token().appendMessage(nil)) }

// MAC is the credential's under the current key.
func (t Token) MAC(k *Keyring) string {
	var c Credential
	k.sign(&c, t.token())
	return string(c.MAC)
}

// UniqueKey is what a name is unique by.
func UniqueKey(subject, name string) string { return uniqueKey(&Record{Subject: subject, Name: name}) }

func (t Token) token() *token { return &token{t.Prefix, t.ID, t.Secret, t.Tag} }

// NewIDs returns what makes the ids of one Issuer.
func NewIDs() func(nanos int64) ID { return new(newIDs).next }

// Skew is a system's wall clock that can be set.
type Skew struct {
	wall  atomic.Int64 // ns ahead of the time that passed
	clock *clock
}

// NewSkew returns a clock that a Skew sets.
func NewSkew() *Skew {
	s := &Skew{clock: newClock()}
	read := s.clock.both
	s.clock.both = func() (wall, mono int64) {
		wall, mono = read()
		return wall + s.wall.Load(), mono
	}
	return s
}

// Set sets the wall clock ahead, or back, of the time that passed.
func (s *Skew) Set(ahead time.Duration) { s.wall.Store(int64(ahead)) }

// Now is what the clock tells.
func (s *Skew) Now() time.Time { return time.Unix(0, s.clock.nanos()) }

// Use gives the clock to an Issuer.
func (s *Skew) Use(i *Issuer) { i.clock = s.clock }
