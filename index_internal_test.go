package apikey

import (
	"math/rand/v2"
	"testing"
)

// Whatever came and went, each credential that is held is found, and distrusted: one that is not found by its
// id would be accepted after its revocation.
func TestEveryHeldCredentialIsDistrusted(t *testing.T) {
	t.Parallel()
	// Few words, so that chains are long.
	for _, words := range []int{1, 2, 4} {
		c := cacheOf(64<<10, nil)
		c.byTag = newIndex(words, &c.slots, c.byTag.hash, c.byTag.next)
		c.byID = newIndex(words, &c.slots, c.byID.hash, c.byID.next)
		c.bytes = int64(2*4<<words) + c.slots.size()
		r := rand.New(rand.NewPCG(1, uint64(words)))
		var keys []known
		for i := range 200 {
			keys = append(keys, credentialOf(i, []string{"ak", "sk_live", "x"}[i%3], r.IntN(200)))
		}
		for i := range 5000 {
			k := keys[r.IntN(len(keys))]
			h := k.fill(c)
			if s, version := c.find(k.p.text); s != nil {
				if _, trust, ok := s.read(version); !ok || trust != 1 {
					t.Fatal("filled, and not trusted")
				}
				if r.IntN(3) == 0 {
					s.visit()
				}
			} else if h.slot.entry.Load() == h.entry {
				t.Fatal("filled, and not found")
			}
			switch r.IntN(6) {
			case 0:
				c.distrust(k.p.token.id)
				if s, version := c.find(k.p.text); s != nil {
					if _, trust, _ := s.read(version); trust != 0 {
						t.Fatal("distrusted, and trusted")
					}
				}
				if c.lookup(k.p.token.id, 0) != nil {
					t.Fatal("distrusted, and looked up")
				}
			case 1:
				if key := c.lookup(k.p.token.id, 0); key != nil && key.facts.id() != k.p.token.id {
					t.Fatal("another's")
				}
			case 2:
				c.mu.Lock()
				if c.count > 0 {
					c.evict()
				}
				c.shrink() // a proof may have been added
				c.mu.Unlock()
			}
			if err := c.audit(); err != nil {
				t.Fatalf("%d words, round %d: %v", 1<<words, i, err)
			}
		}
		for _, k := range keys {
			c.distrust(k.p.token.id)
		}
		for n := c.oldest; n != 0; n = c.slots.at(n).newer {
			if c.slots.at(n).trust.Load() != 0 {
				t.Fatal("one is still trusted")
			}
		}
	}
}

// What Lookup read before a change is not hung on the entry after it.
func TestShowAfterDistrust(t *testing.T) {
	t.Parallel()
	c := cacheOf(1<<20, nil)
	k := credentialOf(1, "ak", 0)
	h := k.fill(c)
	c.distrust(k.p.token.id)
	c.show(h, 1)
	if c.lookup(k.p.token.id, 0) != nil {
		t.Error("shown though distrusted")
	}
	h = k.fill(c)
	_, trust, _ := h.slot.read(h.slot.version.Load())
	k.fill(c) // renewed
	c.show(h, trust)
	if h.entry.shown.Load() != nil {
		t.Error("shown on an entry that is no longer held")
	}
}

// A full set of slots evicts.
func TestSlotsFull(t *testing.T) {
	t.Parallel()
	c := cacheOf(64<<10, nil)
	c.max = 1 << 40 // so that slots run out first
	for i := range 3 * len(c.slots.chunks) << c.slots.bits {
		credentialOf(i, "ak", 0).fill(c)
	}
	if err := c.audit(); err != nil || !c.slots.full() {
		t.Error(err, c.slots.full())
	}
}
