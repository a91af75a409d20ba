package caches

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// Table is the root's own structure: a fixed table of chains that readers walk without a lock,
// and SIEVE under a mutex for those who write.
type Table struct {
	buckets []atomic.Pointer[Entry]
	shift   uint8

	mu   sync.Mutex
	max  int64
	kept queue
	ids  []*Entry // chains by id, or nil
}

// NewOwn returns a Table. Its buckets are made now and never again: a power of two, so that a
// full table has between a half and one entry a bucket.
func NewOwn(o Options) *Table {
	n := max(bits.Len(uint(max(o.Entries, 2)-1)), 1)
	t := &Table{buckets: make([]atomic.Pointer[Entry], 1<<n), shift: uint8(64 - n), max: o.Bytes}
	if o.IDs {
		t.ids = make([]*Entry, 1<<n)
	}
	return t
}

// bucket is found by the last eight digits, which are a keyed function of all the rest: Fibonacci
// hashing spreads them, and nobody can choose them.
func (t *Table) bucket(tag Tag) *atomic.Pointer[Entry] {
	return &t.buckets[tag[1]*0x9e3779b97f4a7c15>>t.shift]
}

// Find takes no lock.
func (t *Table) Find(p *Probe, now int64) *Entry {
	for e := t.bucket(p.Tag).Load(); e != nil; e = e.next.Load() {
		if e.Tag == p.Tag {
			if !e.holds(p, now) {
				return nil
			}
			e.visit()
			return e
		}
	}
	return nil
}

// Put evicts what no longer fits.
func (t *Table) Put(e *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(e.Tag)
	b := t.bucket(e.Tag)
	e.next.Store(b.Load())
	b.Store(e)
	if t.ids != nil {
		at := t.kin(e.ID)
		e.kin, *at = *at, e
	}
	t.kept.push(e)
	for t.max > 0 && t.kept.bytes > t.max {
		t.remove(t.kept.victim().Tag)
	}
}

// Remove forgets a tag.
func (t *Table) Remove(tag Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(tag)
}

// remove leaves the entry's own link as it is: a reader that stands on it goes on.
func (t *Table) remove(tag Tag) {
	at := t.bucket(tag)
	e := at.Load()
	for ; e != nil && e.Tag != tag; e = at.Load() {
		at = &e.next
	}
	if e == nil {
		return
	}
	at.Store(e.next.Load())
	if t.ids != nil {
		k := t.kin(e.ID)
		for *k != e {
			k = &(*k).kin
		}
		*k = e.kin
	}
	t.kept.unlink(e)
}

func (t *Table) kin(id ID) **Entry { return &t.ids[id.hash()>>t.shift] }

// Distrust walks the chain of ids.
func (t *Table) Distrust(id ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := *t.kin(id); e != nil; e = e.kin {
		if e.ID == id {
			e.trust.Store(0)
		}
	}
}

// Len counts.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.count
}
