package apikey

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// entry is one credential that was verified, and what its record said. But for what Lookup hangs on
// it, it never changes: what is read anew of a record makes a new entry, so that a Verify that
// holds an old one goes on with what was true when it began. What a hit reads of it lies in its slot.
type entry struct {
	key    Key // of the facts and the number, first: handed out, and the cache reads nothing of it, as somebody may write over it
	facts  facts
	phc    digest // of the PHC string that argon2 found the secret to match; zero: only its MAC was looked at
	number uint16 // of the credential
	shown  atomic.Pointer[shown]
}

// shown is a key for those who come without a secret.
type shown struct {
	key   Key // of the facts; handed out, too
	facts facts
	trust uint64
}

func newShown(f facts, trust uint64) *shown {
	s := &shown{facts: f, trust: trust}
	s.key = Key{facts: &s.facts}
	return s
}

func newEntry(f facts, number uint16, phc digest) *entry {
	e := &entry{facts: f, number: number, phc: phc}
	e.key = Key{&e.facts, number}
	return e
}

// handedOut is &e.key. Go looks whether e is nil before it takes the address of a field, and with a million
// keys that look is a miss of the processor's cache, half of what a hit costs.
func (e *entry) handedOut() *Key { return (*Key)(unsafe.Pointer(e)) }

const _ = -unsafe.Offsetof(entry{}.key) // no number of its type unless it is 0

// size is what the entry takes in memory, with an eighth for what the allocator rounds up to. What
// Lookup may hang on it is counted from the beginning.
func (e *entry) size() int64 {
	const own = int64(unsafe.Sizeof(*e) + unsafe.Sizeof(shown{}))
	n := int64(len(e.facts))
	return own + n + n/8
}

// name is all that is public of a text but its prefix, and so one credential's: the digits of the
// id and of the tag, as they are, so that on the way to a warm key there is nothing to decode.
type name struct {
	id0, id1, id2 uint64 // the first eight, the next eight, the last eight digits
	tag0, tag1    uint64 // the first eight, the last eight digits
}

// nameOf reads the name in a text whose length holds.
func nameOf(text string) (n name) {
	b := bytesOf(text[len(text)-bodyDigits:])
	n.id0, n.id1, n.id2 = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[idDigits-8:])
	b = b[idDigits+secretDigits:]
	n.tag0, n.tag1 = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[tagDigits-8:])
	return n
}

// secretOf returns the secret digits of a text whose length holds.
func secretOf(text string) []byte {
	return bytesOf(text[len(text)-bodyDigits+idDigits : len(text)-checksumDigits-tagDigits])
}

// prefixes holds each prefix once, however many keys begin with it. The cache's mu guards it.
type prefixes map[string]*prefix

type prefix struct {
	text  string
	slots int // that it is in
}

// prefixSize is about what one takes, in bytes, with its place in the map.
const prefixSize = 128

// hold returns the prefix of that text, and by how many bytes that made the map grow.
func (m prefixes) hold(text string) (p *prefix, grown int64) {
	p = m[text]
	if p == nil {
		p, grown = &prefix{text: text}, prefixSize
		m[text] = p
	}
	p.slots++
	return p, grown
}

// release returns by how many bytes the map has shrunk.
func (m prefixes) release(p *prefix) (shrunk int64) {
	if p.slots--; p.slots > 0 {
		return 0
	}
	delete(m, p.text)
	return prefixSize
}
