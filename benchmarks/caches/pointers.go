package caches

import (
	"sync"
	"sync/atomic"
)

// Pointers is the structure the root had before its slots: a fixed table of pointers to chains of entries, each an
// object of its own, that readers walk without a lock, and SIEVE under a mutex for those who write.
type Pointers struct {
	buckets []atomic.Pointer[Entry]
	shift   uint8

	mu   sync.Mutex
	max  int64
	kept queue
	ids  []*Entry // chains by id, or nil
}

// NewPointers returns Pointers. The buckets are made now and never again, as many as own has words.
func NewPointers(o Options) *Pointers {
	n := indexBits(o.Entries)
	t := &Pointers{buckets: make([]atomic.Pointer[Entry], 1<<n), shift: uint8(64 - n), max: o.Bytes}
	if o.IDs {
		t.ids = make([]*Entry, 1<<n)
	}
	return t
}

func (t *Pointers) bucket(tag Tag) *atomic.Pointer[Entry] {
	return &t.buckets[spread(tag[1])>>t.shift]
}

// Find takes no lock.
func (t *Pointers) Find(p *Probe, now int64) (noted int64, ok bool) {
	for e := t.bucket(p.Tag).Load(); e != nil; e = e.next.Load() {
		if e.Tag == p.Tag {
			if !e.holds(p, now) {
				return 0, false
			}
			e.visit()
			return e.Noted.Load(), true
		}
	}
	return 0, false
}

// Put evicts what no longer fits.
func (t *Pointers) Put(e *Entry) {
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
func (t *Pointers) Remove(tag Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(tag)
}

// remove leaves the entry's own link as it is: a reader that stands on it goes on.
func (t *Pointers) remove(tag Tag) {
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

func (t *Pointers) kin(id ID) **Entry { return &t.ids[spread(id.hash())>>t.shift] }

// Distrust walks the chain of ids.
func (t *Pointers) Distrust(id ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for e := *t.kin(id); e != nil; e = e.kin {
		if e.ID == id {
			e.trust.Store(0)
		}
	}
}

// Len counts.
func (t *Pointers) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.count
}
