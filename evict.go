package apikey

import "slices"

// Eviction is SIEVE (Zhang et al., NSDI 2024): a queue from newest to oldest, and a hand that
// walks towards the newest, spares whom it finds visited, and takes the first who is not. A
// hit sets one bit, once, and moves nothing, so readers share no lock. All of it is guarded by the cache's mu.

// visit marks a hit: an entry that was only put in is not worth sparing.
func (e *entry) visit() {
	if !e.visited.Load() {
		e.visited.Store(true)
	}
}

func (c *cache) enqueue(e *entry) {
	e.older = c.newest
	if c.newest != nil {
		c.newest.newer = e
	}
	c.newest = e
	if c.oldest == nil {
		c.oldest = e
	}
}

// shrink evicts until the bound holds.
func (c *cache) shrink() {
	for c.bytes > c.max && c.oldest != nil {
		e := c.hand
		if e == nil {
			e = c.oldest
		}
		c.hand = e.newer
		if e.visited.Swap(false) {
			continue
		}
		c.remove(e)
	}
}

// remove takes an entry out. A reader that holds it, or walks over it, goes on: it came before.
func (c *cache) remove(e *entry) {
	for at := c.bucket(e.tag); ; {
		next := at.Load()
		if next == e {
			at.Store(e.next.Load())
			break
		}
		at = &next.next
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		c.oldest = e.newer
	}
	if c.hand == e {
		c.hand = e.newer
	}
	e.newer, e.older = nil, nil
	e.place.entries = slices.DeleteFunc(e.place.entries, func(x *entry) bool { return x == e })
	c.setPlace(e.place, nil, 0) // it may hold what was counted for e
	if len(e.place.entries) == 0 {
		delete(c.places, e.place.id)
	}
	e.state.Store(nil)
	c.bytes -= e.bytes
	c.count--
}
