package caches

import (
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// slot is where own finds an entry, and what a hit reads of it: two lines of memory, laid out as the root's. A slot
// serves one credential after another. Readers take no lock: they read the version, what they need, and the version
// again, and if it has changed or is odd, what they read is no hit.
type slot struct {
	version   atomic.Uint32
	sieve     atomic.Bool   // visited since the hand came by
	tag1      atomic.Uint64 // of the tag, the second word
	low, high atomic.Uint64 // the digest
	trust     atomic.Uint64
	ends      atomic.Int64
	noted     atomic.Int64
	handed    atomic.Pointer[handed]

	tag0            atomic.Uint64
	rest            [4]atomic.Uint64 // the id and the prefix, which no probe has: written as in the root, and not compared
	nextTag, nextID atomic.Uint32    // slots of the same bucket; 0: none
	_               uint32           // whether the last use is yet to be written

	number       uint32 // the slot's own
	newer, older uint32 // in the queue; guarded by own's mu. newer is the next free one, too.
}

// handed is what a hit hands out in the root, and does not look at: an object of its own, of the same size as there.
type handed struct {
	packed *packed
	bytes  int64
	_      [48]byte
}

var (
	_ = [1]struct{}{}[unsafe.Sizeof(slot{})-128]
	_ = [1]struct{}{}[unsafe.Sizeof(handed{})-64]
)

// read returns what is in a slot of this version; not ok: it has another one.
func (s *slot) read(version uint32) (h *handed, trust uint64, ends, noted int64, ok bool) {
	h, trust, ends, noted = s.handed.Load(), s.trust.Load(), s.ends.Load(), s.noted.Load()
	return h, trust, ends, noted, s.version.Load() == version
}

// put has readers see either all of what is new in the slot, or nothing. Own's mu is held.
func (s *slot) put(e *Entry, h *handed) {
	s.version.Add(1)
	s.trust.Store(0)
	s.tag0.Store(e.Tag[0])
	s.tag1.Store(e.Tag[1])
	for i := range s.rest {
		s.rest[i].Store(e.ID.hash())
	}
	s.low.Store(e.Digest[0])
	s.high.Store(e.Digest[1])
	s.handed.Store(h)
	s.ends.Store(e.ends)
	s.noted.Store(e.Noted.Load())
	s.trust.Store(e.trust.Load())
	s.version.Add(1)
}

// clear leaves nothing of the credential. The links stay, for those who are on their way through.
func (s *slot) clear() { s.put(new(Entry), nil) }

func (s *slot) holds(digest [2]uint64) bool {
	return (digest[0]^s.low.Load())|(digest[1]^s.high.Load()) == 0
}

// visit marks a hit. It writes once until the hand comes by.
func (s *slot) visit() {
	if !s.sieve.Load() {
		s.sieve.Store(true)
	}
}

// slots are numbered from 1, and come in chunks of the same power of two.
type slots struct {
	chunks [][]slot // as many as there can be; each is set once, before the first number of it is given away
	bits   uint8    // of a number within a chunk
	used   uint32   // numbers given away at least once
	free   uint32   // the first of those given back
}

// newSlots makes room for entries of max bytes, and one more. A chunk is a small part of them, and at most 128 KiB.
func newSlots(max int64) slots {
	most := uint64(max / EntryBytes)
	s := slots{bits: uint8(min(bits.Len64(most>>8)+3, 10))}
	s.chunks = make([][]slot, most>>s.bits+1)
	return s
}

func (s *slots) at(number uint32) *slot {
	number--
	chunk := s.chunks[number>>(s.bits&31)]
	return &chunk[number&uint32(len(chunk)-1)]
}

// full: there is no slot but those in use.
func (s *slots) full() bool { return s.free == 0 && s.used == uint32(len(s.chunks))<<s.bits }

// take returns an empty slot.
func (s *slots) take() *slot {
	if s.free != 0 {
		t := s.at(s.free)
		s.free = t.newer
		return t
	}
	if chunk := s.used >> s.bits; s.chunks[chunk] == nil {
		s.chunks[chunk] = make([]slot, 1<<s.bits)
	}
	s.used++
	t := s.at(s.used)
	t.number = s.used
	return t
}

func (s *slots) give(t *slot) {
	t.newer = s.free
	s.free = t.number
}
