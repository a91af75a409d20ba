package caches

import (
	"sync/atomic"
	"unsafe"
)

// Tag holds the first and the last eight of the eleven digits of a key's tag, as they are
// spelled. All but the first three digits are in the second word.
type Tag [2]uint64

// word is a tag in the one word that maps of integers are fastest with. Two tags that share a
// word are told apart by the entry; one of them is then not found.
func (t Tag) word() uint64 { return t[1]*0x9e3779b97f4a7c15 + t[0] }

// ID is a key's: several credentials may share it.
type ID [16]byte

// Probe is what a request asks by.
type Probe struct {
	Tag    Tag
	Digest [2]uint64
}

// Trusted is the trust word of an entry nothing was told against. 0 is distrusted.
const Trusted = 1

// Entry is one credential. Own copies it, all others keep it: 192 bytes, of which a hit needs the first 64-byte line
// and one word of the second. They hold the same, whichever of the links they use.
type Entry struct {
	next   atomic.Pointer[Entry] // in a bucket of Pointers
	Tag    Tag
	Digest [2]uint64
	trust  atomic.Uint64
	ends   int64        // the first instant at which it is over
	Noted  atomic.Int64 // when its last use was noted: a verification reads it at each hit

	visited      atomic.Bool // since the hand of SIEVE came by
	ID           ID
	newer, older *Entry // in the queue of those that evict
	kin          *Entry // in the index by id
	Bytes        int64
	packed       *packed
	_            [64]byte // what else the root kept
}

// NewEntry returns a trusted entry that never ends. It makes the packed record that hangs on it, too, as a verification
// does, for every contender alike: entries that are objects do not lie side by side in memory.
func NewEntry(p *Probe, id ID) *Entry {
	const never = 1<<63 - 1
	e := &Entry{Tag: p.Tag, Digest: p.Digest, ID: id, Bytes: EntryBytes, packed: &packed{id: id}, ends: never}
	e.trust.Store(Trusted)
	return e
}

// EntryBytes is the size of an Entry, and a size the allocator has: entries start at a line.
const EntryBytes = 192

var _ = [1]struct{}{}[unsafe.Sizeof(Entry{})-EntryBytes]

// packed is what a key shows of its record. The root reads the id there.
type packed struct {
	id ID
	_  [304]byte
}

// PackedBytes is the size of the packed record: every contender keeps one an entry.
const PackedBytes = int64(unsafe.Sizeof(packed{}))

// holds reports whether the probe equals the entry, which is trusted and not over.
func (e *Entry) holds(p *Probe, now int64) bool {
	return e.Tag == p.Tag &&
		(e.Digest[0]^p.Digest[0])|(e.Digest[1]^p.Digest[1]) == 0 &&
		e.trust.Load() == Trusted && now < e.ends
}

// EndAt sets the first instant at which the entry is over. It is for entries that were not put in yet.
func (e *Entry) EndAt(at int64) { e.ends = at }

// visit marks a hit. It writes once until the hand comes by.
func (e *Entry) visit() {
	if !e.visited.Load() {
		e.visited.Store(true)
	}
}
