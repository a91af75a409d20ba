package peers

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// digest of a text, in place of the text. It is as fast to try guesses against as to verify, so
// it is for secrets that nobody can guess.
type digest = [sha256.Size]byte

// digestOf converts the text in place: one allocation less than the plain conversion.
func digestOf(text string) digest {
	var room [128]byte
	return sha256.Sum256(append(room[:0], text...))
}

// grant is what a digest is good for.
type grant struct {
	owner   string
	expires time.Time
}

func (g *grant) holder() (string, error) {
	if time.Until(g.expires) <= 0 { // reads one clock, where time.Now reads two
		return "", errExpired
	}
	return g.owner, nil
}

// digests is SHA-256 and a map: what most services do that need to be fast.
type digests struct {
	mu     sync.RWMutex
	grants map[digest]*grant
}

func newDigests() (Peer, error) { return &digests{grants: make(map[digest]*grant)}, nil }

func (d *digests) Issue(text, owner string, expires time.Time) (string, error) {
	d.put(digestOf(text), &grant{owner, expires})
	return text, nil
}

func (d *digests) Verify(presented string) (string, error) {
	g := d.get(digestOf(presented))
	if g == nil {
		return "", errUnknown
	}
	return g.holder()
}

func (d *digests) Revoke(presented string) error {
	return d.drop(digestOf(presented))
}

func (d *digests) put(sum digest, g *grant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.grants[sum] = g
}

func (d *digests) get(sum digest) *grant {
	d.mu.RLock()
	g := d.grants[sum]
	d.mu.RUnlock()
	return g
}

func (d *digests) drop(sum digest) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.grants[sum] == nil {
		return errUnknown
	}
	delete(d.grants, sum)
	return nil
}

// copied is digests for readers only: a write copies the whole map, a read takes no lock. No map
// is read faster.
type copied struct {
	mu     sync.Mutex // held by writers
	grants atomic.Pointer[map[digest]*grant]
}

func newCopied() (Peer, error) {
	c := new(copied)
	c.grants.Store(new(map[digest]*grant))
	return c, nil
}

func (c *copied) Issue(text, owner string, expires time.Time) (string, error) {
	c.change(func(m map[digest]*grant) { m[digestOf(text)] = &grant{owner, expires} })
	return text, nil
}

func (c *copied) Verify(presented string) (string, error) {
	g := (*c.grants.Load())[digestOf(presented)]
	if g == nil {
		return "", errUnknown
	}
	return g.holder()
}

func (c *copied) Revoke(presented string) error {
	c.change(func(m map[digest]*grant) { delete(m, digestOf(presented)) })
	return nil
}

func (c *copied) change(f func(map[digest]*grant)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[digest]*grant)
	maps.Copy(next, *c.grants.Load())
	f(next)
	c.grants.Store(&next)
}

// macs is digests under a key that is not kept beside them.
type macs struct {
	digests
	pool sync.Pool // of *mac: a new HMAC costs more than its sum
}

type mac struct {
	hash.Hash
	room []byte // for what it takes and gives, which would be allocated else
}

func newMACs() (Peer, error) {
	key := make([]byte, 32)
	rand.Read(key)
	return &macs{
		digests: digests{grants: make(map[digest]*grant)},
		pool:    sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }},
	}, nil
}

func (m *macs) sum(text string) (sum digest) {
	h := m.pool.Get().(*mac)
	h.Reset()
	h.room = append(h.room[:0], text...)
	h.Write(h.room)
	h.room = h.Sum(h.room[:0])
	copy(sum[:], h.room)
	m.pool.Put(h)
	return sum
}

func (m *macs) Issue(text, owner string, expires time.Time) (string, error) {
	m.put(m.sum(text), &grant{owner, expires})
	return text, nil
}

func (m *macs) Verify(presented string) (string, error) {
	g := m.get(m.sum(presented))
	if g == nil {
		return "", errUnknown
	}
	return g.holder()
}

func (m *macs) Revoke(presented string) error { return m.drop(m.sum(presented)) }
