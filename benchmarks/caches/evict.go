package caches

// SIEVE as in queue.go, of slots by their numbers.

func (c *Table) enqueue(s *slot) {
	s.newer, s.older = 0, c.newest
	if c.newest != 0 {
		c.slots.at(c.newest).newer = s.number
	} else {
		c.oldest = s.number
	}
	c.newest = s.number
}

// dequeue lets the neighbours of s, or the ends of the queue, point at each other, and the hand go on.
func (c *Table) dequeue(s *slot) {
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
	if c.hand == s.number {
		c.hand = s.newer
	}
}

func (c *Table) evict() {
	for {
		if c.hand == 0 {
			c.hand = c.oldest
		}
		s := c.slots.at(c.hand)
		c.hand = s.newer
		if !s.sieve.Swap(false) {
			c.remove(s)
			return
		}
	}
}
