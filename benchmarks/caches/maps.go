package caches

import "sync"

type syncMap struct{ m sync.Map }

// NewSyncMap returns a sync.Map, which evicts nothing.
func NewSyncMap(Options) Cache { return new(syncMap) }

func (c *syncMap) Find(p *Probe, now int64) (noted int64, ok bool) {
	if v, ok := c.m.Load(p.Tag.word()); ok {
		if e := v.(*Entry); e.holds(p, now) {
			return e.Noted.Load(), true
		}
	}
	return 0, false
}

func (c *syncMap) Put(e *Entry)   { c.m.Store(e.Tag.word(), e) }
func (c *syncMap) Remove(tag Tag) { c.m.Delete(tag.word()) }

func (c *syncMap) Len() (n int) {
	c.m.Range(func(any, any) bool { n++; return true })
	return n
}

// rwMap is a map behind a lock that readers share. Padded: shards stand side by side.
type rwMap struct {
	mu sync.RWMutex
	m  map[uint64]*Entry
	_  [128 - 32]byte
}

// NewRWMap returns one map behind one lock, which evicts nothing.
func NewRWMap(o Options) Cache { return &rwMap{m: make(map[uint64]*Entry, o.Entries)} }

func (c *rwMap) Find(p *Probe, now int64) (noted int64, ok bool) {
	c.mu.RLock()
	e := c.m[p.Tag.word()]
	c.mu.RUnlock()
	if e != nil && e.holds(p, now) {
		return e.Noted.Load(), true
	}
	return 0, false
}

func (c *rwMap) Put(e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[e.Tag.word()] = e
}

func (c *rwMap) Remove(tag Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, tag.word())
}

func (c *rwMap) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.m)
}

// sharded spreads the keys over so many locks that two cores rarely meet at one.
type sharded [256]rwMap

// NewSharded returns 256 maps behind a lock each, which evict nothing.
func NewSharded(o Options) Cache {
	c := new(sharded)
	for i := range c {
		c[i].m = make(map[uint64]*Entry, o.Entries/len(c))
	}
	return c
}

func (c *sharded) of(tag Tag) *rwMap { return &c[tag.word()>>56] }

func (c *sharded) Find(p *Probe, now int64) (noted int64, ok bool) { return c.of(p.Tag).Find(p, now) }
func (c *sharded) Put(e *Entry)                                    { c.of(e.Tag).Put(e) }
func (c *sharded) Remove(tag Tag)                                  { c.of(tag).Remove(tag) }

func (c *sharded) Len() (n int) {
	for i := range c {
		n += c[i].Len()
	}
	return n
}
