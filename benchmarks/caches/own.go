package caches

import (
	"sync"
	"sync/atomic"
)

// Table is the root's own structure: slots that are used again and again, an index that readers follow without a lock,
// and SIEVE under a lock for those who write. Of an entry that is put it keeps a copy. Its bound counts entries
// as large as the others', so that all hold as many; the root's counts slots and indexes, too.
type Table struct {
	slots slots
	byTag index
	byID  index // without words, if nobody asked for it

	mu     sync.RWMutex
	max    int64
	bytes  int64
	count  int
	newest uint32 // the queue of SIEVE: slots from newest to oldest
	oldest uint32
	hand   uint32
}

// NewOwn returns a Table. It needs a bound.
func NewOwn(o Options) *Table {
	c := &Table{slots: newSlots(o.Bytes), max: o.Bytes}
	n := indexBits(o.Entries)
	c.byTag = newIndex(n, &c.slots,
		func(s *slot) uint64 { return s.tag1.Load() }, func(s *slot) *atomic.Uint32 { return &s.nextTag })
	if o.IDs {
		c.byID = newIndex(n, &c.slots,
			func(s *slot) uint64 { return s.handed.Load().packed.id.hash() }, func(s *slot) *atomic.Uint32 { return &s.nextID })
	}
	return c
}

// Find takes no lock.
func (c *Table) Find(p *Probe, now int64) (noted int64, ok bool) {
	s, version := c.named(p.Tag)
	if s == nil || !s.holds(p.Digest) {
		return 0, false
	}
	_, trust, ends, noted, ok := s.read(version)
	if !ok || trust != Trusted {
		return 0, false
	}
	s.visit()
	return noted, now < ends
}

// named returns the slot of a tag and its version then, or nil.
func (c *Table) named(tag Tag) (*slot, uint32) {
	for number := c.byTag.chain(tag[1]); number != 0; {
		s := c.slots.at(number)
		version := s.version.Load()
		if s.tag1.Load() == tag[1] && s.tag0.Load() == tag[0] && version&1 == 0 {
			return s, version
		}
		number = s.nextTag.Load()
	}
	return nil, 0
}

// Put evicts what no longer fits. What is there of the same tag goes; the root renews it where it is, but that is not
// measured here.
func (c *Table) Put(e *Entry) {
	h := &handed{packed: e.packed, bytes: e.Bytes}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, _ := c.named(e.Tag); s != nil {
		c.remove(s)
	}
	c.insert(e, h)
	for c.bytes > c.max && c.count > 0 {
		c.evict()
	}
}

func (c *Table) insert(e *Entry, h *handed) {
	if c.slots.full() {
		c.evict()
	}
	s := c.slots.take()
	s.put(e, h)
	s.sieve.Store(false)
	c.byTag.insert(s)
	if c.byID.words != nil {
		c.byID.insert(s)
	}
	c.enqueue(s)
	c.count++
	c.bytes += h.bytes
}

// Remove forgets a tag.
func (c *Table) Remove(tag Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, _ := c.named(tag); s != nil {
		c.remove(s)
	}
}

func (c *Table) remove(s *slot) {
	c.byTag.remove(s)
	if c.byID.words != nil {
		c.byID.remove(s)
	}
	c.dequeue(s)
	c.count--
	c.bytes -= s.handed.Load().bytes
	s.clear()
	c.slots.give(s)
}

// Distrust walks the chain of ids. As in the root, each is read where the record is.
func (c *Table) Distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for number := c.byID.chain(id.hash()); number != 0; {
		s := c.slots.at(number)
		if s.handed.Load().packed.id == id {
			s.trust.Store(0)
		}
		number = s.nextID.Load()
	}
}

// Len counts.
func (c *Table) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.count
}
