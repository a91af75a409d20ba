package caches

import (
	"sync"

	"github.com/puzpuzpuz/xsync/v4"
)

// xsync.Map hashes an integer with two multiplications, and anything else with maphash: so its
// key is one word, and the entry tells whether it is the tag asked for.
type xsyncMap struct{ m *xsync.Map[uint64, *Entry] }

// NewXsync returns an xsync.Map, which evicts nothing.
func NewXsync(o Options) Cache {
	return &xsyncMap{xsync.NewMap[uint64, *Entry](xsync.WithPresize(o.Entries))}
}

func (c *xsyncMap) Find(p *Probe, now int64) (noted int64, ok bool) {
	if e, ok := c.m.Load(p.Tag.word()); ok && e.holds(p, now) {
		return e.Noted.Load(), true
	}
	return 0, false
}

func (c *xsyncMap) Put(e *Entry)   { c.m.Store(e.Tag.word(), e) }
func (c *xsyncMap) Remove(tag Tag) { c.m.Delete(tag.word()) }
func (c *xsyncMap) Len() int       { return c.m.Size() }

// XsyncSieve is what the root would need around an xsync.Map: the queue of SIEVE beside it,
// and a mutex that makes one of the two.
type XsyncSieve struct {
	m *xsync.Map[uint64, *Entry]

	mu   sync.Mutex
	max  int64
	kept queue
	ids  *ids
}

// NewXsyncSieve returns an XsyncSieve.
func NewXsyncSieve(o Options) *XsyncSieve {
	c := &XsyncSieve{m: xsync.NewMap[uint64, *Entry](xsync.WithPresize(o.Entries)), max: o.Bytes}
	if o.IDs {
		m := xsync.NewMap[ID, *Entry](xsync.WithPresize(o.Entries))
		c.ids = &ids{m.Load, m.Store, m.Delete}
	}
	return c
}

// Find takes no lock.
func (c *XsyncSieve) Find(p *Probe, now int64) (noted int64, ok bool) {
	if e, ok := c.m.Load(p.Tag.word()); ok && e.holds(p, now) {
		e.visit()
		return e.Noted.Load(), true
	}
	return 0, false
}

// Put evicts what no longer fits.
func (c *XsyncSieve) Put(e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, loaded := c.m.LoadAndStore(e.Tag.word(), e); loaded {
		c.unlink(old)
	}
	c.kept.push(e)
	if c.ids != nil {
		c.ids.add(e)
	}
	for c.max > 0 && c.kept.bytes > c.max {
		c.remove(c.kept.victim().Tag)
	}
}

// Remove forgets a tag.
func (c *XsyncSieve) Remove(tag Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(tag)
}

func (c *XsyncSieve) remove(tag Tag) {
	if old, loaded := c.m.LoadAndDelete(tag.word()); loaded {
		c.unlink(old)
	}
}

func (c *XsyncSieve) unlink(e *Entry) {
	c.kept.unlink(e)
	if c.ids != nil {
		c.ids.remove(e)
	}
}

// Distrust looks in the map of ids.
func (c *XsyncSieve) Distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids.distrust(id)
}

// Len counts.
func (c *XsyncSieve) Len() int { return c.m.Size() }
