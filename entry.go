package apikey

import (
	"encoding/binary"
	"sync/atomic"
	"unique"
	"unsafe"
)

// entry is one credential that was verified, and what its record said. But for its atomics and its
// place in the queue it never changes: what is read anew of a record makes a new entry, so that a
// Verify that holds an old one goes on with what was true when it began.
//
// A warm Verify reads the first 128 bytes, which are two lines of memory on a machine of 64 bits; the
// rest is for those who change the cache. TestEntryLayout holds them to it. The cache itself reads
// nothing of key: that is handed out, and somebody may write over it.
type entry struct {
	nextTag atomic.Pointer[entry] // of the same bucket
	digest  digest                // of the secret digits
	trust   atomic.Uint64         // the feed's gaps when the record was read, plus one; 0: distrusted
	ends    int64                 // ns since 1970: the end of the key, or of the credential, if that is earlier
	noted   atomic.Int64          // ns since 1970: when its last use was noted

	name   name
	prefix unique.Handle[string] // one string for all entries
	facts  facts
	number uint16      // of the credential
	sieve  atomic.Bool // visited since the hand came by

	key    Key // of the facts and the number
	nextID atomic.Pointer[entry]
	shown  atomic.Pointer[shown]
	phc    digest // of the PHC string that argon2 found the secret to match; zero: only its MAC was looked at
	newer  *entry // in the queue; guarded by the cache's mu
	older  *entry
	_      [8]byte // to three whole lines: else the first two would lie across three
}

// shown is a key for those who come without a secret.
type shown struct {
	key   Key
	trust uint64
}

func (e *entry) tagHash() uint64 { return e.name.tag1 }
func (e *entry) idHash() uint64  { return hashOfID(e.facts.id()) }

// hashOfID is the random half of the id.
func hashOfID(id ID) uint64 { return binary.LittleEndian.Uint64(id[8:]) }

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

// prefixes reports whether the text begins with the entry's prefix and an underscore, up to where
// the id begins.
func (e *entry) prefixes(text string) bool {
	n := len(text) - bodyDigits - 1
	return text[n] == '_' && e.prefix.Value() == text[:n]
}

// secretOf returns the secret digits of a text whose length holds.
func secretOf(text string) []byte {
	return bytesOf(text[len(text)-bodyDigits+idDigits : len(text)-checksumDigits-tagDigits])
}

// holds compares digests as a whole: there is no early exit to time.
func (e *entry) holds(d digest) bool { return e.digest.low^d.low|e.digest.high^d.high == 0 }

// size is what the entry takes in memory, with an eighth for what the allocator rounds up to. What
// Lookup may hang on it is counted from the beginning.
func (e *entry) size() int64 {
	const own = int64(unsafe.Sizeof(*e) + unsafe.Sizeof(shown{}) + unsafe.Sizeof(e.facts))
	n := int64(len(e.facts))
	return own + n + n/8
}

// index finds entries without a lock: a table of fixed size that leads to chains.
type index struct {
	buckets []atomic.Pointer[entry]
	shift   uint8
	next    func(*entry) *atomic.Pointer[entry]
}

// bucket spreads what is random in its low bits (Fibonacci hashing).
func (x *index) bucket(hash uint64) *atomic.Pointer[entry] {
	return &x.buckets[hash*0x9e3779b97f4a7c15>>x.shift]
}

func (x *index) insert(hash uint64, e *entry) {
	b := x.bucket(hash)
	x.next(e).Store(b.Load())
	b.Store(e)
}

// replace puts with, or if that is nil what follows, in the place of e. Readers go on meanwhile. One
// that walks over e may miss what stood behind it, and then verifies as if it were not cached; e
// keeps nothing alive for those who hold the key in it.
func (x *index) replace(hash uint64, e, with *entry) {
	at := x.bucket(hash)
	for at.Load() != e {
		at = x.next(at.Load())
	}
	after := x.next(e).Load()
	if with != nil {
		x.next(with).Store(after)
		after = with
	}
	at.Store(after)
	x.next(e).Store(nil)
}
