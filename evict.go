package apikey

// Eviction is SIEVE (Zhang et al., NSDI 2024): a queue from newest to oldest, and a hand that
// walks towards the newest, spares whom it finds visited, and takes the first who is not. A
// hit sets one bit, once, and moves nothing, so readers share no lock. All of it is guarded by the cache's mu.

// visit marks a hit: an entry that was only put in is not worth sparing.
func (e *entry) visit() {
	if !e.sieve.Load() {
		e.sieve.Store(true)
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

// requeue puts e where old stands.
func (c *cache) requeue(old, e *entry) {
	e.newer, e.older = old.newer, old.older
	c.relink(old, e, e)
	if c.hand == old {
		c.hand = e
	}
}

// relink lets the neighbours of e, or the ends of the queue, point at others.
func (c *cache) relink(e, older, newer *entry) {
	if e.newer != nil {
		e.newer.older = older
	} else {
		c.newest = older
	}
	if e.older != nil {
		e.older.newer = newer
	} else {
		c.oldest = newer
	}
	e.newer, e.older = nil, nil
}

// shrink evicts until the bound holds.
func (c *cache) shrink() {
	for c.bytes > c.max && c.oldest != nil {
		e := c.hand
		if e == nil {
			e = c.oldest
		}
		c.hand = e.newer
		if e.sieve.Swap(false) {
			continue
		}
		c.remove(e)
	}
}

// remove takes an entry out. If argon2 found that its secret matches, the proof of that stays.
func (c *cache) remove(e *entry) {
	c.byTag.replace(e.tagHash(), e, nil)
	c.byID.replace(e.idHash(), e, nil)
	c.relink(e, e.older, e.newer) // the hand has gone on
	e.trust.Store(0)
	e.shown.Store(nil)
	c.bytes -= e.size()
	c.count--
	if e.phc != (digest{}) {
		c.bytes += c.proofs.add(c.proofs.of(e.prefix.Value(), e.name, e.digest, e.phc))
	}
}
