package apikey

import (
	"encoding/binary"
	"math/bits"
	"sync"
	"sync/atomic"
	"unique"
	"unsafe"
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
	byTag, byID   index

	mu     sync.RWMutex // held by writers, and by readers of what stands below
	max    int64
	bytes  int64
	count  int
	newest *entry // the queue of SIEVE: from newest to oldest
	oldest *entry
	hand   *entry
	proofs proofs
}

func newCache(f *feed, max int64) *cache {
	c := &cache{secrets: newDigestKey(), phcs: newDigestKey(), feed: f, max: max}
	const typical = 512                           // bytes of an entry with all that hangs on it
	n := min(bits.Len64(uint64(max/typical)), 24) // 128 MiB a table are enough for any number
	newIndex := func(next func(*entry) *atomic.Pointer[entry]) index {
		return index{make([]atomic.Pointer[entry], 1<<n), uint8(64 - n), next}
	}
	c.byTag = newIndex(func(e *entry) *atomic.Pointer[entry] { return &e.nextTag })
	c.byID = newIndex(func(e *entry) *atomic.Pointer[entry] { return &e.nextID })
	c.proofs = proofs{key: newDigestKey(), max: max / 8}
	c.bytes = 2 * int64(unsafe.Sizeof(c.newest)) << n
	return c
}

// find returns the entry whose text was presented, or nil. All but the secret is public, and is compared
// as it is: prefix, id and, in the tag, the number. So an entry equals exactly one text. The secret is
// looked at last, and only where all else is right.
func (c *cache) find(text string) *entry {
	if e := c.named(text); e != nil && e.holds(c.secrets.sum(secretOf(text))) {
		return e
	}
	return nil
}

// named returns the entry of the same prefix, id and tag. It reads the digits word by word: a
// name of them would be put together in memory, and taking it apart again stalls for 20 ns.
func (c *cache) named(text string) *entry {
	b := bytesOf(text[len(text)-bodyDigits:])
	id0, id1, id2 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[idDigits-8:])
	b = b[idDigits+secretDigits:]
	tag0, tag1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[tagDigits-8:])
	for e := c.byTag.bucket(tag1).Load(); e != nil; e = e.nextTag.Load() {
		if n := &e.name; n.tag1 == tag1 && n.tag0 == tag0 && n.id0 == id0 && n.id1 == id1 && n.id2 == id2 && e.prefixes(text) {
			return e
		}
	}
	return nil
}

// trusts reports whether what was read of a record when trust was set still stands: no
// change to it was told since, none went by untold, and the feed was live at mono.
func (c *cache) trusts(trust uint64, mono int64) bool {
	return trust == c.feed.gaps.Load()+1 && c.feed.liveAt(mono)
}

// lookup returns a key that is warm, for those who come without its secret, or nil.
func (c *cache) lookup(id ID, mono int64) *Key {
	for e := c.byID.bucket(hashOfID(id)).Load(); e != nil; e = e.nextID.Load() {
		if e.facts.id() != id {
			continue
		}
		if s := e.shown.Load(); s != nil && c.trusts(s.trust, mono) {
			return &s.key
		}
		if trust := e.trust.Load(); c.trusts(trust, mono) {
			return c.show(e, trust)
		}
	}
	return nil
}

func (c *cache) show(e *entry, trust uint64) *Key {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &shown{*keyOf(e.facts, 0), trust}
	if e.trust.Load() == trust {
		e.shown.Store(s)
	}
	return &s.key
}

// remembers reports whether this secret is known to match the PHC string of this digest.
func (c *cache) remembers(p *presented, phc digest) bool {
	proof := c.proofs.of(p.token.prefix, nameOf(p.text), p.digest, phc)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e := c.named(p.text); e != nil && e.holds(p.digest) && e.phc == phc {
		e.visit()
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
// if it did. The record is trusted unless a change was told meanwhile. It returns the credential's entry.
func (c *cache) fill(p *presented, phc digest, r *read, credential *Credential) *entry {
	e := &entry{
		digest: p.digest, ends: min(end(r.record.ExpiresAt), end(credential.NotAfter)),
		name: nameOf(p.text), prefix: unique.Make(r.record.Prefix), // not the part of the text that was presented: it would keep the text alive
		facts: r.facts, number: credential.Number, phc: phc,
	}
	e.key = Key{&e.facts, e.number}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.named(p.text); old != nil {
		if e.phc == (digest{}) && e.digest == old.digest {
			e.phc = old.phc
		}
		c.renew(old, e)
	} else {
		c.byTag.insert(e.tagHash(), e)
		c.byID.insert(e.idHash(), e)
		c.enqueue(e)
		c.count++
		c.bytes += e.size()
	}
	if c.unchanged(r) {
		e.trust.Store(r.mark.gaps + 1)
	}
	c.shrink()
	return e
}

// unchanged reports whether a change to a record would have been told, and none was.
func (c *cache) unchanged(r *read) bool {
	return c.feed.watched && c.feed.mark(r.record.ID) == r.mark
}

// renew puts e in the place of an entry of the same credential.
func (c *cache) renew(old, e *entry) {
	e.noted.Store(old.noted.Load())
	e.sieve.Store(old.sieve.Load())
	c.byTag.replace(e.tagHash(), old, e)
	c.byID.replace(e.idHash(), old, e)
	c.requeue(old, e)
	old.trust.Store(0)
	old.shown.Store(nil)
	c.bytes += e.size() - old.size()
}

// fillShown is fill for a key whose secret was not presented. What was read takes the place of what
// an entry holds, so that ids, which are public, push nothing out. Of the secret that says
// nothing: the entry stays distrusted for those who present it.
func (c *cache) fillShown(r *read) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for old := c.byID.bucket(hashOfID(r.record.ID)).Load(); old != nil; old = old.nextID.Load() {
		if old.facts.id() != r.record.ID || !c.unchanged(r) {
			continue
		}
		e := &entry{digest: old.digest, name: old.name, prefix: old.prefix, facts: r.facts, number: old.number, phc: old.phc}
		e.key = Key{&e.facts, e.number}
		c.renew(old, e)
		e.shown.Store(&shown{*keyOf(r.facts, 0), r.mark.gaps + 1})
		c.shrink()
		return
	}
}

// distrust forgets what was read of a record, and not which secrets match which hashes.
func (c *cache) distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.byID.bucket(hashOfID(id)).Load(); e != nil; e = e.nextID.Load() {
		if e.facts.id() == id {
			e.trust.Store(0)
			e.shown.Store(nil)
		}
	}
}

// held returns how many entries there are, and their bytes.
func (c *cache) held() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.count, c.bytes
}
