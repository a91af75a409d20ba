package apikey

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
)

// cache remembers credentials that were verified: nobody without a valid key can put anything
// in or push anything out. It is bounded in bytes.
//
// Readers take no lock. An entry is found by the digits of the tag. The tag is a keyed function
// of all the rest, so that a forged key, whatever id it names, finds nothing and learns nothing of
// what is warm. The other way in, by the id, is for those who come without a secret.
//
// Two things are remembered apart: that a secret matches an argon2 hash, which stays true for
// ever, and what the record says, which is distrusted at the first word of a change.
type cache struct {
	secrets, phcs digestKey
	feed          *feed
	leave         func(ID, uint16, int64) // takes the last use of what leaves the cache before that was written
	slots         slots
	byTag, byID   index

	mu       sync.RWMutex // held by writers, and by readers of what stands below
	max      int64
	bytes    int64
	count    int
	newest   uint32 // the queue of SIEVE: slots from newest to oldest
	oldest   uint32
	hand     uint32
	prefixes prefixes
	proofs   proofs
}

func newCache(f *feed, max int64, leave func(ID, uint16, int64)) *cache {
	c := &cache{secrets: newDigestKey(), phcs: newDigestKey(), feed: f, leave: leave, max: max, slots: newSlots(max), prefixes: make(prefixes)}
	const typical = 512                             // bytes of an entry with all that hangs on it
	n := min(bits.Len64(uint64(max/typical)|1), 24) // 64 MiB a table are enough for any number
	c.byTag = newIndex(n, &c.slots,
		func(s *slot) uint64 { return s.tag1.Load() }, func(s *slot) *atomic.Uint32 { return &s.nextTag })
	c.byID = newIndex(n, &c.slots,
		func(s *slot) uint64 { return hashOfID(s.entry.Load().facts.id()) }, func(s *slot) *atomic.Uint32 { return &s.nextID })
	c.proofs = proofs{key: newDigestKey(), max: max / 8}
	c.bytes = 2*4<<n + c.slots.size()
	return c
}

// hashOfID is the random half of the id.
func hashOfID(id ID) uint64 { return binary.LittleEndian.Uint64(id[8:]) }

// find returns the slot whose text was presented, and its version then, or nil. All but the secret is
// public, and is compared as it is: prefix, id and, in the tag, the number. So an entry equals exactly
// one text. The secret is looked at last, and only where all else is right.
func (c *cache) find(text string) (*slot, uint32) {
	if s, version := c.named(text); s != nil && s.holds(c.secrets.sum(secretOf(text))) {
		return s, version
	}
	return nil, 0
}

// named returns the slot of the same prefix, id and tag. It reads the digits word by word: a
// name of them would be put together in memory, and taking it apart again stalls for 20 ns.
func (c *cache) named(text string) (*slot, uint32) {
	b := bytesOf(text[len(text)-bodyDigits:])
	id0, id1, id2 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[idDigits-8:])
	b = b[idDigits+secretDigits:]
	tag0, tag1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[tagDigits-8:])
	for number := c.byTag.chain(tag1); number != 0; {
		s := c.slots.at(number)
		version := s.version.Load()
		if s.tag1.Load() == tag1 && s.tag0.Load() == tag0 && s.id0.Load() == id0 && s.id1.Load() == id1 && s.id2.Load() == id2 &&
			s.prefixes(text) && version&1 == 0 {
			return s, version
		}
		number = s.nextTag.Load()
	}
	return nil, 0
}

// trusts reports whether what was read of a record when trust was set still stands: no
// change to it was told since, and none went by untold.
func (c *cache) trusts(trust uint64) bool { return trust == c.feed.gaps.Load()+1 }

// lookup returns a key that is warm, for those who come without its secret, or nil.
func (c *cache) lookup(id ID, mono int64) *shown {
	if !c.feed.liveAt(mono) {
		return nil
	}
	for number := c.byID.chain(hashOfID(id)); number != 0; {
		s := c.slots.at(number)
		version := s.version.Load()
		h, trust, ok := s.read(version)
		if ok && version&1 == 0 && h.entry != nil && h.entry.facts.id() == id {
			if shown := h.entry.shown.Load(); shown != nil && c.trusts(shown.trust) {
				return shown
			}
			if c.trusts(trust) {
				return c.show(h, trust)
			}
		}
		number = s.nextID.Load()
	}
	return nil
}

func (c *cache) show(h hit, trust uint64) *shown {
	shown := newShown(h.entry.facts, trust)
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.slot.entry.Load() == h.entry && h.slot.trust.Load() == trust {
		h.entry.shown.Store(shown)
	}
	return shown
}

// remembers reports whether this secret is known to match the PHC string of this digest.
func (c *cache) remembers(p *presented, phc digest) bool {
	proof := c.proofs.of(p.token.prefix, nameOf(p.text), p.digest, phc)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if s, _ := c.named(p.text); s != nil && s.holds(p.digest) && s.entry.Load().phc == phc {
		s.visit()
		return true
	}
	return c.proofs.has(proof)
}

// remember keeps that argon2 found the secret to match.
func (c *cache) remember(p *presented, phc digest) {
	proof := c.proofs.of(p.token.prefix, nameOf(p.text), p.digest, phc)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += c.proofs.add(proof)
	c.shrink()
}

// fill keeps what was read of the record, and the PHC string that argon2 found the secret to match,
// if it did. The record is trusted unless a change was told meanwhile.
func (c *cache) fill(p *presented, phc digest, r *read, credential *Credential) hit {
	e := newEntry(r.facts, credential.Number, phc)
	ends := min(end(r.record.ExpiresAt), end(credential.NotAfter))
	c.mu.Lock()
	defer c.mu.Unlock()
	var trust uint64
	if c.unchanged(r) {
		trust = r.mark.gaps + 1
	}
	s, _ := c.named(p.text)
	if s == nil {
		s = c.insert(p, e, ends, trust)
	} else {
		if e.phc == (digest{}) && s.holds(p.digest) {
			e.phc = s.entry.Load().phc
		}
		c.renew(s, p.digest, e, ends, trust)
	}
	h, _, _ := s.read(0)
	c.shrink()
	return h
}

// unchanged reports whether a change to a record would have been told, and none was.
func (c *cache) unchanged(r *read) bool {
	return c.feed.watched && c.feed.mark(r.record.ID) == r.mark
}

// insert puts a credential that is not there into a slot of its own.
func (c *cache) insert(p *presented, e *entry, ends int64, trust uint64) *slot {
	if c.slots.full() {
		c.evict()
	}
	s, grown := c.slots.take()
	// Not the part of the text that was presented: it would keep the text alive.
	prefix, more := c.prefixes.hold(e.facts.text(prefixText))
	s.unused()
	s.put(nameOf(p.text), prefix, p.digest, e, ends, trust)
	s.sieve.Store(false)
	c.byTag.insert(s)
	c.byID.insert(s)
	c.enqueue(s)
	c.count++
	c.bytes += e.size() + grown + more
	return s
}

// renew puts e in the place of what the slot holds of the same credential.
func (c *cache) renew(s *slot, d digest, e *entry, ends int64, trust uint64) {
	old := s.entry.Load()
	s.put(s.name(), s.prefix.Load(), d, e, ends, trust)
	old.shown.Store(nil)
	c.bytes += e.size() - old.size()
}

// fillShown is fill for a key whose secret was not presented. What was read takes the place of what
// an entry holds, so that ids, which are public, push nothing out. Of the secret that says
// nothing: the entry stays distrusted for those who present it.
func (c *cache) fillShown(r *read) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.each(r.record.ID, func(s *slot, old *entry) bool {
		if !c.unchanged(r) {
			return false
		}
		e := newEntry(r.facts, old.number, old.phc)
		e.shown.Store(newShown(r.facts, r.mark.gaps+1))
		c.renew(s, s.digest(), e, 0, 0)
		c.shrink()
		return false
	})
}

// distrust forgets what was read of a record, and not which secrets match which hashes.
func (c *cache) distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.each(id, func(s *slot, e *entry) bool {
		s.trust.Store(0)
		e.shown.Store(nil)
		return true
	})
}

// each calls f with the credentials of a record, until it returns false. The lock is held.
func (c *cache) each(id ID, f func(*slot, *entry) bool) {
	for number := c.byID.chain(hashOfID(id)); number != 0; {
		s := c.slots.at(number)
		if e := s.entry.Load(); e.facts.id() == id && !f(s, e) {
			return
		}
		number = s.nextID.Load()
	}
}

// unlist calls f with the last uses that slots on the list hold.
func (c *cache) unlist(list []*slot, f func(ID, uint16, int64)) {
	c.mu.RLock() // nothing leaves meanwhile
	defer c.mu.RUnlock()
	for _, s := range list {
		// Marked as not listed first, and read then: a use that is noted later is listed again. What has left has
		// taken its time along.
		s.listed.Store(false)
		if e, at := s.entry.Load(), s.noted.Load(); e != nil && at > 0 {
			f(e.facts.id(), e.number, at)
		}
	}
}

// held returns how many entries there are, and their bytes.
func (c *cache) held() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.count, c.bytes
}
