package apikey

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// slot is where an entry is found, and what a hit reads of it: two lines of memory that lie beside
// each other on a machine of 64 bits, TestSlotLayout holds it to them. (In a cache of less than a megabyte three:
// the allocator puts a word before small chunks.) Slots are parts of large pieces of memory, and numbers lead
// to them: the garbage collector, which argon2 makes run at every other hash, has little to scan, and the
// processor fewer pages to look up. What that gains and costs is in docs/caches.md.
//
// A slot serves one credential after another. Readers take no lock: they read the version, what they
// need, and the version again. If somebody wrote meanwhile, it has changed, or is odd, and what they
// read is no hit (a seqlock; Boehm, "Can seqlocks get along with programming language memory models?", 2012).
// It would take 2^31 writes to one slot during one Verify for a version to come again.
type slot struct {
	version   atomic.Uint32
	sieve     atomic.Bool   // visited since the hand came by
	tag1      atomic.Uint64 // of the name
	low, high atomic.Uint64 // the digest of the secret digits
	trust     atomic.Uint64 // the feed's gaps when the record was read, plus one; 0: distrusted
	ends      atomic.Int64  // ns since 1970: the end of the key, or of the credential, if that is earlier
	noted     atomic.Int64  // ns since 1970: when its last use was noted; negative: never
	entry     atomic.Pointer[entry]

	tag0, id0, id1, id2 atomic.Uint64 // the rest of the name
	prefix              atomic.Pointer[prefix]
	nextTag, nextID     atomic.Uint32 // slots of the same bucket; 0: none
	listed              atomic.Bool   // the last use is yet to be written

	number       uint32 // the slot's own
	newer, older uint32 // in the queue; guarded by the cache's mu. newer is the next free one, too.
}

// hit is what was read of a slot at one instant.
type hit struct {
	slot        *slot
	entry       *entry
	ends, noted int64
}

// read returns what is in a slot of this version; false: it has another one.
func (s *slot) read(version uint32) (h hit, trust uint64, ok bool) {
	h, trust = hit{s, s.entry.Load(), s.ends.Load(), s.noted.Load()}, s.trust.Load()
	return h, trust, s.version.Load() == version
}

// put has readers see either all of what is new in the slot, or nothing. The cache's mu is held.
//
// It leaves noted alone: a use that is noted meanwhile would be taken back.
func (s *slot) put(n name, p *prefix, d digest, e *entry, ends int64, trust uint64) {
	s.version.Add(1)
	s.trust.Store(0)
	s.tag0.Store(n.tag0)
	s.tag1.Store(n.tag1)
	s.id0.Store(n.id0)
	s.id1.Store(n.id1)
	s.id2.Store(n.id2)
	s.low.Store(d.low)
	s.high.Store(d.high)
	s.prefix.Store(p)
	s.entry.Store(e)
	s.ends.Store(ends)
	s.trust.Store(trust)
	s.version.Add(1)
}

// clear leaves nothing of the credential. The links stay, for those who are on their way through.
func (s *slot) clear() { s.put(name{}, nil, digest{}, nil, 0, 0) }

// unused notes that the credential that is to come was never used, by a number that no other has in
// this slot: who wants to note a use of the one before, and comes late, finds another than he has read.
func (s *slot) unused() { s.noted.Store(-1 - int64(s.version.Load())) }

func (s *slot) name() name {
	return name{s.id0.Load(), s.id1.Load(), s.id2.Load(), s.tag0.Load(), s.tag1.Load()}
}

func (s *slot) digest() digest { return digest{s.low.Load(), s.high.Load()} }

// holds compares digests as a whole: there is no early exit to time.
func (s *slot) holds(d digest) bool { return (d.low^s.low.Load())|(d.high^s.high.Load()) == 0 }

// prefixes reports whether the text begins with the slot's prefix and an underscore, up to where
// the id begins.
func (s *slot) prefixes(text string) bool {
	n, p := len(text)-bodyDigits-1, s.prefix.Load()
	return text[n] == '_' && p != nil && p.text == text[:n]
}

// slots are numbered from 1, and come in chunks of the same power of two.
type slots struct {
	chunks [][]slot // as many as there can be; each is set once, before the first number of it is given away
	bits   uint8    // of a number within a chunk
	used   uint32   // numbers given away at least once
	free   uint32   // the first of those given back
}

const (
	slotSize  = int64(unsafe.Sizeof(slot{}))
	leastSize = 256             // bytes of a slot and its entry, at least
	mostSlots = numberOf - 1024 // whatever is allowed in bytes; a chunk may go beyond it
)

// newSlots makes room for what fits into max bytes. A chunk is 1 to 128 KiB, and a small part of a large cache.
func newSlots(max int64) slots {
	most := uint64(min(max/leastSize, mostSlots))
	s := slots{bits: uint8(min(bits.Len64(most>>8)+3, 10))}
	s.chunks = make([][]slot, most>>s.bits+1)
	return s
}

func (s *slots) at(number uint32) *slot {
	number--
	chunk := s.chunks[number>>(s.bits&31)]
	return &chunk[number&uint32(len(chunk)-1)]
}

// size is what the chunks' places take, in bytes.
func (s *slots) size() int64 { return int64(len(s.chunks)) * int64(unsafe.Sizeof(s.chunks[0])) }

// full: there is no slot but those in use.
func (s *slots) full() bool { return s.free == 0 && s.used == uint32(len(s.chunks))<<s.bits }

// take returns an empty slot, and by how many bytes that made the slots grow.
func (s *slots) take() (t *slot, grown int64) {
	if s.free != 0 {
		t = s.at(s.free)
		s.free = t.newer
		t.newer = 0
		return t, 0
	}
	if chunk := s.used >> s.bits; s.chunks[chunk] == nil {
		s.chunks[chunk] = make([]slot, 1<<s.bits)
		grown = slotSize << s.bits
	}
	s.used++
	t = s.at(s.used)
	t.number = s.used
	return t, grown
}

func (s *slots) give(t *slot) {
	t.newer = s.free
	s.free = t.number
}
