package apikey

import "fmt"

// AuditCache compares all that the cache counts and links with a recount.
func AuditCache(v *Verifier) error { return v.cache.audit() }

func (c *cache) audit() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := map[uint32]bool{}
	bytes := int64(4*(len(c.byTag.words)+len(c.byID.words))) + c.slots.size()
	for _, ch := range c.slots.chunks {
		bytes += int64(len(ch)) * slotSize
	}
	bytes += int64(len(c.proofs.sets)) * setBytes
	uses := map[*prefix]int{}
	var last uint32
	for n := c.oldest; n != 0; n = c.slots.at(n).newer {
		s := c.slots.at(n)
		if in[n] {
			return fmt.Errorf("queue loops at %d", n)
		}
		if s.older != last {
			return fmt.Errorf("older of %d", n)
		}
		last = n
		in[n] = true
		e := s.entry.Load()
		if e == nil || s.version.Load()&1 != 0 {
			return fmt.Errorf("slot %d empty or odd", n)
		}
		bytes += e.size()
		uses[s.prefix.Load()]++
	}
	if c.newest != last {
		return fmt.Errorf("newest %d, walked to %d", c.newest, last)
	}
	if c.hand != 0 && !in[c.hand] {
		return fmt.Errorf("hand %d is on no live slot", c.hand)
	}
	if len(in) != c.count {
		return fmt.Errorf("count %d, queue %d", c.count, len(in))
	}
	bytes += int64(len(c.prefixes)) * prefixSize
	for p, n := range uses {
		if p.slots != n || c.prefixes[p.text] != p {
			return fmt.Errorf("prefix %q: %d slots, counted %d", p.text, n, p.slots)
		}
	}
	if len(uses) != len(c.prefixes) {
		return fmt.Errorf("%d prefixes held, %d in use", len(c.prefixes), len(uses))
	}
	if bytes != c.bytes {
		return fmt.Errorf("bytes %d, recounted %d", c.bytes, bytes)
	}
	if c.bytes > c.max && c.count > 0 {
		return fmt.Errorf("bytes %d > max %d with %d entries", c.bytes, c.max, c.count)
	}
	for name, x := range map[string]*index{"tag": &c.byTag, "id": &c.byID} {
		seen := map[uint32]bool{}
		for i := range x.words {
			w := x.words[i].Load()
			first := w & numberOf
			k := 0
			for n := first; n != 0; n = x.next(c.slots.at(n)).Load() {
				s := c.slots.at(n)
				if !in[n] || seen[n] {
					return fmt.Errorf("%s: slot %d live %v twice %v", name, n, in[n], seen[n])
				}
				seen[n] = true
				k++
				h := x.hash(s)
				if spread(h)>>(x.shift&63) != uint64(i) {
					return fmt.Errorf("%s: slot %d in the wrong bucket", name, n)
				}
				if x.chain(h) != first {
					return fmt.Errorf("%s: slot %d can't be found", name, n)
				}
			}
			if (k > 1) != (w&goesOn != 0) {
				return fmt.Errorf("%s: chain of %d, word %x", name, k, w)
			}
		}
		if len(seen) != len(in) {
			return fmt.Errorf("%s: %d indexed, %d live", name, len(seen), len(in))
		}
	}
	free := 0
	for n := c.slots.free; n != 0; n = c.slots.at(n).newer {
		s := c.slots.at(n)
		if in[n] || s.trust.Load() != 0 || s.entry.Load() != nil || s.prefix.Load() != nil || s.digest() != (digest{}) || s.name() != (name{}) {
			return fmt.Errorf("free slot %d is live or not clear", n)
		}
		if free++; free > int(c.slots.used) {
			return fmt.Errorf("free list loops")
		}
	}
	if free+len(in) != int(c.slots.used) {
		return fmt.Errorf("%d free, %d live, %d used", free, len(in), c.slots.used)
	}
	return nil
}
