package caches

import "sync"

// listed is the plain bounded cache everybody writes first: a map, a list and a lock.
type listed struct {
	mu   sync.RWMutex
	m    map[uint64]*Entry
	kept queue
	max  int64
	by   policy
}

type policy int

const (
	fifo  policy = iota
	sieve        // a hit marks the entry
	lru          // a hit moves it to the front: so it takes the lock alone
)

// NewLRU returns a map with the least recently used evicted.
func NewLRU(o Options) Cache {
	return &listed{m: make(map[uint64]*Entry, o.Entries), max: o.Bytes, by: lru}
}

// NewFIFO returns a map with the oldest evicted.
func NewFIFO(o Options) Cache { return &listed{m: make(map[uint64]*Entry, o.Entries), max: o.Bytes} }

// NewMapSieve returns a map with SIEVE.
func NewMapSieve(o Options) Cache {
	return &listed{m: make(map[uint64]*Entry, o.Entries), max: o.Bytes, by: sieve}
}

func (c *listed) Find(p *Probe, now int64) (noted int64, ok bool) {
	e := c.get(p.Tag.word())
	if e == nil || !e.holds(p, now) {
		return 0, false
	}
	if c.by == sieve {
		e.visit()
	}
	return e.Noted.Load(), true
}

func (c *listed) get(word uint64) *Entry {
	if c.by != lru {
		c.mu.RLock()
		e := c.m[word]
		c.mu.RUnlock()
		return e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.m[word]
	if e != nil && e != c.kept.newest {
		c.kept.unlink(e)
		c.kept.push(e)
	}
	return e
}

func (c *listed) Put(e *Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(e.Tag)
	c.m[e.Tag.word()] = e
	c.kept.push(e)
	for c.max > 0 && c.kept.bytes > c.max {
		e := c.kept.oldest
		if c.by == sieve {
			e = c.kept.victim()
		}
		c.remove(e.Tag)
	}
}

func (c *listed) Remove(tag Tag) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(tag)
}

func (c *listed) remove(tag Tag) {
	if e := c.m[tag.word()]; e != nil {
		delete(c.m, tag.word())
		c.kept.unlink(e)
	}
}

func (c *listed) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.m)
}
