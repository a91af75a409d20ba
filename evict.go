package apikey

// Eviction is SIEVE (Zhang et al., NSDI 2024): a queue from newest to oldest, and a hand that
// walks towards the newest, spares whom it finds visited, and takes the first who is not. A
// hit sets one bit, once, and moves nothing, so readers share no lock. All but that bit is guarded by the cache's mu.

// visit marks a hit: an entry that was only put in is not worth sparing.
func (s *slot) visit() {
	if !s.sieve.Load() {
		s.sieve.Store(true)
	}
}

func (c *cache) enqueue(s *slot) {
	s.newer, s.older = 0, c.newest
	if c.newest != 0 {
		c.slots.at(c.newest).newer = s.number
	} else {
		c.oldest = s.number
	}
	c.newest = s.number
}

// dequeue lets the neighbours of s, or the ends of the queue, point at each other.
func (c *cache) dequeue(s *slot) {
	if s.newer != 0 {
		c.slots.at(s.newer).older = s.older
	} else {
		c.newest = s.older
	}
	if s.older != 0 {
		c.slots.at(s.older).newer = s.newer
	} else {
		c.oldest = s.newer
	}
}

// shrink evicts until the bound holds.
func (c *cache) shrink() {
	for c.bytes > c.max && c.count > 0 {
		c.evict()
	}
}

// evict takes one out. It spares nobody twice, however fast they are visited again: others wait for the lock.
func (c *cache) evict() {
	for spared := 0; ; spared++ {
		if c.hand == 0 {
			c.hand = c.oldest
		}
		s := c.slots.at(c.hand)
		c.hand = s.newer
		if !s.sieve.Swap(false) || spared >= c.count {
			c.remove(s)
			return
		}
	}
}

// remove takes what is in a slot out. If argon2 found that its secret matches, the proof of that stays.
func (c *cache) remove(s *slot) {
	e := s.entry.Load()
	c.byTag.remove(s)
	c.byID.remove(s)
	c.dequeue(s) // the hand has gone on
	if e.phc != (digest{}) {
		c.bytes += c.proofs.add(c.proofs.of(s.prefix.Load().text, s.name(), s.digest(), e.phc))
	}
	c.bytes -= e.size() + c.prefixes.release(s.prefix.Load())
	s.clear()
	// After that, so that who notes a use meanwhile is seen here, or sees that the entry is gone. The slot stays on the
	// list, for whoever is next in it: else it would be there once for each of them.
	if at := s.noted.Load(); s.listed.Load() && at > 0 {
		c.leave(e.facts.id(), e.number, at)
	}
	e.shown.Store(nil)
	c.slots.give(s)
	c.count--
}
