package caches

import (
	"sync"

	"github.com/maypok86/otter/v2"
)

// Otter is an otter cache bounded by its weigher: W-TinyLFU, no queue of ours.
type Otter struct {
	c *otter.Cache[uint64, *Entry]

	mu  sync.Mutex // guards ids
	ids *ids
}

// NewOtter returns an Otter. Without [Options.Bytes] it is unbounded, and keeps no policy.
func NewOtter(o Options) *Otter {
	c := new(Otter)
	opts := &otter.Options[uint64, *Entry]{InitialCapacity: o.Entries}
	if o.Bytes > 0 {
		opts.MaximumWeight = uint64(o.Bytes)
		opts.Weigher = func(_ uint64, e *Entry) uint32 { return uint32(e.Bytes) }
	}
	if o.IDs {
		m := make(map[ID]*Entry, o.Entries)
		c.ids = &ids{
			func(id ID) (*Entry, bool) { e, ok := m[id]; return e, ok },
			func(id ID, e *Entry) { m[id] = e },
			func(id ID) { delete(m, id) },
		}
		opts.OnAtomicDeletion = func(d otter.DeletionEvent[uint64, *Entry]) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ids.remove(d.Value)
		}
	}
	c.c = otter.Must(opts)
	return c
}

// Find takes no lock.
func (c *Otter) Find(p *Probe, now int64) (noted int64, ok bool) {
	if e, ok := c.c.GetIfPresent(p.Tag.word()); ok && e.holds(p, now) {
		return e.Noted.Load(), true
	}
	return 0, false
}

// Put adds to the ids first: an entry that is evicted at once must be found there.
func (c *Otter) Put(e *Entry) {
	if c.ids != nil {
		c.mu.Lock()
		c.ids.add(e)
		c.mu.Unlock()
	}
	c.c.Set(e.Tag.word(), e)
}

// Remove forgets a tag.
func (c *Otter) Remove(tag Tag) { c.c.Invalidate(tag.word()) }

// Distrust looks in the map of ids.
func (c *Otter) Distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids.distrust(id)
}

// Len waits for the evictions that are due: otter does them later, in the background.
func (c *Otter) Len() int {
	c.c.CleanUp()
	return c.c.EstimatedSize()
}
