package apikey

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// cache remembers credentials that were verified: nobody without a valid key can put anything
// in or push anything out. It is bounded in bytes.
//
// Readers take no lock. A table of fixed size, found by the digits of the tag, leads to chains
// of entries. The tag is a keyed function of all the rest, so that a forged key, whatever id it
// names, finds nothing and learns nothing of what is warm.
//
// An entry remembers two things apart: that this secret matches that argon2 hash, which stays
// true for ever, and what its record says, which is distrusted at the first word of a change.
type cache struct {
	key     *[digestKey]byte // random, of this process
	feed    *feed
	max     int64
	buckets []atomic.Pointer[entry]
	shift   uint8

	mu     sync.RWMutex // held by writers, and by readers of what stands below
	places map[ID]*place
	bytes  int64
	count  int
	newest *entry // the queue of SIEVE: from newest to oldest
	oldest *entry
	hand   *entry
}

// entry is one credential.
type entry struct {
	next   atomic.Pointer[entry] // in its bucket
	tag    [2]uint64             // the digits of the tag
	head   string                // prefix, underscore and id digits
	digest [sha256.Size]byte     // of the secret digits
	state  atomic.Pointer[state] // nil: distrusted

	visited atomic.Bool  // since the hand came by
	noted   atomic.Int64 // ns: when its last use was noted

	// Guarded by the cache's mu.
	proven       hashSum // of the PHC string that the secret matches
	place        *place
	bytes        int64
	newer, older *entry
}

// place is one key: its credentials, and its state for those who come without a secret.
type place struct {
	id      ID
	entries []*entry
	state   *state
	bytes   int64
}

// state is what a record said, for one credential or for none.
type state struct {
	key      *Key
	gaps     uint64 // the feed's when it was read
	expires  int64  // ns since 1970; never: the greatest
	notAfter int64  // of the credential
}

// probe is what a presented text is looked up by.
type probe struct {
	tag    [2]uint64
	head   string
	digest [sha256.Size]byte
}

// digestKey makes key and secret digits fill one block of SHA-256: 22 + 33 = 55 bytes.
const digestKey = 55 - secretDigits

func newCache(f *feed, max int64) *cache {
	c := &cache{key: new([digestKey]byte), feed: f, max: max, places: make(map[ID]*place)}
	rand.Read(c.key[:])
	const typical = 1024                          // bytes of an entry with all that hangs on it
	n := min(bits.Len64(uint64(max/typical)), 24) // 128 MiB of table are enough for any number
	c.buckets = make([]atomic.Pointer[entry], 1<<n)
	c.shift = uint8(64 - n)
	c.bytes = int64(len(c.buckets)) * int64(unsafe.Sizeof(c.buckets[0]))
	return c
}

// probe takes a text apart whose length and checksum hold.
//
// The digest is SHA-256 over a random 176-bit key and 33 digits. With a fixed length and one
// compression, that is a pseudorandom function as long as SHA-256's compression is one when
// keyed through its message, which HMAC's proof asks for, too (Bellare, 2006). Nobody sees a digest, so
// there is nothing to extend or to collide. The other parts of the text are public and are
// compared as they are: prefix, id and number, which the tag holds. So an entry
// equals exactly one text.
func (c *cache) probe(text string) (p probe) {
	b := bytesOf(text)
	secret := len(b) - checksumDigits - tagDigits - secretDigits
	tag := b[len(b)-checksumDigits-tagDigits:]
	p.head = text[:secret]
	p.tag = [2]uint64{binary.LittleEndian.Uint64(tag), binary.LittleEndian.Uint64(tag[tagDigits-8:])}
	var block [digestKey + secretDigits]byte
	copy(block[:], c.key[:])
	copy(block[digestKey:], b[secret:])
	p.digest = sha256.Sum256(block[:])
	return p
}

func (c *cache) bucket(tag [2]uint64) *atomic.Pointer[entry] {
	return &c.buckets[tag[1]*0x9e3779b97f4a7c15>>c.shift] // the last eight digits are MAC alone; Fibonacci hashing
}

// find returns the entry whose text was presented, or nil.
func (c *cache) find(p *probe) *entry {
	e := c.named(p)
	if e == nil || !sameDigest(&e.digest, &p.digest) {
		return nil
	}
	return e
}

// named returns the entry of the same prefix, id and number.
func (c *cache) named(p *probe) *entry {
	for e := c.bucket(p.tag).Load(); e != nil; e = e.next.Load() {
		if e.tag == p.tag && e.head == p.head {
			return e
		}
	}
	return nil
}

// sameDigest has no early exit. It costs a few ns where subtle.ConstantTimeCompare costs 20.
func sameDigest(a, b *[sha256.Size]byte) bool {
	var diff uint64
	for i := 0; i < sha256.Size; i += 8 {
		diff |= binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
	}
	return diff == 0
}

// trusted returns the entry's state if no change to its record was told since it was read and
// the feed is live; else nil.
func (c *cache) trusted(s *state) *state {
	if s == nil || s.gaps != c.feed.gaps.Load() || !c.feed.live() {
		return nil
	}
	return s
}

// lookup returns the trusted state of a key, or nil.
func (c *cache) lookup(id ID) *state {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if p := c.places[id]; p != nil {
		return c.trusted(p.state)
	}
	return nil
}

// remembers reports whether this secret is known to match the PHC string of this sum.
func (c *cache) remembers(p *probe, phc hashSum) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.find(p)
	if e == nil || e.proven != phc {
		return false
	}
	e.visit()
	return true
}

// remember keeps that the secret matches.
func (c *cache) remember(p *probe, id ID, phc hashSum) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(p, id, phc)
	c.shrink()
}

// fill keeps what was read of the record, unless a change to it was told meanwhile. It returns
// the credential's entry.
func (c *cache) fill(p *probe, phc hashSum, r *read, s *state) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.put(p, r.record.ID, phc)
	if c.feed.watched && c.feed.mark(r.record.ID) == r.mark {
		e.state.Store(s)
		c.resize(e, r.shown.size())
		c.setPlace(e.place, &state{&Key{record: r.shown}, s.gaps, s.expires, never}, 0)
	}
	c.shrink()
	return e
}

// fillPlace is fill for a key whose secret was not presented: only into a place it has.
func (c *cache) fillPlace(r *read, s *state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.places[r.record.ID]; p != nil && c.feed.watched && c.feed.mark(p.id) == r.mark {
		c.setPlace(p, s, r.shown.size())
		c.shrink()
	}
}

// setPlace counts what the state holds, unless an entry of the place holds it, too.
func (c *cache) setPlace(p *place, s *state, bytes int64) {
	c.bytes += bytes - p.bytes
	p.state, p.bytes = s, bytes
}

// distrust forgets what was read of a record, and not which secrets match which hashes.
func (c *cache) distrust(id ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.places[id]; p != nil {
		c.setPlace(p, nil, 0)
		for _, e := range p.entries {
			e.state.Store(nil)
		}
	}
}

// put finds or makes the entry of a verified secret. The probe's head is a part of the text
// that was presented, so it is copied: the cache must not keep a secret alive.
func (c *cache) put(p *probe, id ID, phc hashSum) *entry {
	e := c.named(p)
	if e != nil && e.digest != p.digest { // two secrets of one tag: no two are ever issued
		c.remove(e)
		e = nil
	}
	if e == nil {
		e = &entry{tag: p.tag, head: strings.Clone(p.head), digest: p.digest}
		if e.place = c.places[id]; e.place == nil {
			e.place = &place{id: id}
			c.places[id] = e.place
		}
		e.place.entries = append(e.place.entries, e)
		b := c.bucket(e.tag)
		e.next.Store(b.Load())
		b.Store(e)
		c.enqueue(e)
		c.count++
		c.resize(e, 0)
	}
	e.proven = phc
	return e
}

func (c *cache) resize(e *entry, hanging int64) {
	const own = int64(unsafe.Sizeof(entry{}) + unsafe.Sizeof(place{}) + 2*unsafe.Sizeof(state{}) +
		2*unsafe.Sizeof(Key{}) + 128) // 128: the slots in places and entries
	size := own + int64(len(e.head)) + hanging
	c.bytes += size - e.bytes
	e.bytes = size
}

// size is what a stripped record takes in memory.
func (r *Record) size() int64 {
	n := int(unsafe.Sizeof(*r)) + len(r.Prefix) + len(r.Type) + len(r.Subject) + len(r.Name) + len(r.Description) +
		len(r.CreatedBy) + len(r.Claims) + len(r.RevokedReason) + len(r.RevokedBy)
	for _, s := range r.Scopes {
		n += int(unsafe.Sizeof(s)) + len(s)
	}
	for _, c := range r.Credentials {
		n += int(unsafe.Sizeof(c)) + len(c.Hint)
	}
	return int64(n)
}
