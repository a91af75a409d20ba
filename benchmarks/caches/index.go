package caches

import (
	"math/bits"
	"sync/atomic"
)

// index is the root's: it finds slots without a lock, and the garbage collector finds no pointers in it. A word is the
// number of the first slot of a chain, five bits of its hash, and whether the chain goes on: what is not there is
// hardly ever looked for in a slot.
type index struct {
	words []atomic.Uint32
	shift uint8
	slots *slots
	hash  func(*slot) uint64
	next  func(*slot) *atomic.Uint32
}

const (
	numberOf = 1<<26 - 1
	goesOn   = 1 << 26
	hashBits = 31 << 27
)

// indexBits is the size of own's tables, and of those of Pointers: as in the root a power of two over the bytes of the
// cache by 512, where an entry takes about 600. They are 43 to 86% full when the cache is.
func indexBits(entries int) int { return bits.Len(uint(entries)*600/512 | 1) }

func newIndex(bits int, s *slots, hash func(*slot) uint64, next func(*slot) *atomic.Uint32) index {
	return index{make([]atomic.Uint32, 1<<bits), uint8(64 - bits), s, hash, next}
}

// spread makes all bits of a hash that is random in its low ones random (Fibonacci hashing). Nobody can choose
// what is spread: the last digits of a tag are a keyed function of all the rest, and ids are drawn.
func spread(hash uint64) uint64 { return hash * 0x9e3779b97f4a7c15 }

// chain returns the number of the first slot of a chain that may hold one of this hash; 0: none does.
func (x *index) chain(hash uint64) uint32 {
	all := spread(hash)
	word := x.words[all>>(x.shift&63)].Load()
	if word&goesOn == 0 && (word^uint32(all))&hashBits != 0 {
		return 0
	}
	return word & numberOf
}

func (x *index) word(hash uint64) *atomic.Uint32 { return &x.words[spread(hash)>>(x.shift&63)] }

// begin makes s, whose next is set, the first of the chain.
func (x *index) begin(s *slot) {
	hash := x.hash(s)
	word := uint32(spread(hash))&hashBits | s.number
	if x.next(s).Load() != 0 {
		word |= goesOn
	}
	x.word(hash).Store(word)
}

func (x *index) insert(s *slot) {
	x.next(s).Store(x.word(x.hash(s)).Load() & numberOf)
	x.begin(s)
}

// remove takes s out of its chain. A reader that stands on s finds the rest of the chain behind it, unless s is in use
// again by then: it may miss what it looks for.
func (x *index) remove(s *slot) {
	first := x.word(x.hash(s))
	next := x.next(s).Load()
	if first.Load()&numberOf == s.number {
		if next == 0 {
			first.Store(0)
		} else {
			x.begin(x.slots.at(next))
		}
		return
	}
	before := x.slots.at(first.Load() & numberOf)
	for x.next(before).Load() != s.number {
		before = x.slots.at(x.next(before).Load())
	}
	x.next(before).Store(next)
	x.begin(x.slots.at(first.Load() & numberOf)) // it may be alone now
}
