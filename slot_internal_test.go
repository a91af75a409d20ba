package apikey

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cacheOf is a cache on a store that nobody else writes to.
func cacheOf(max int64, leave func(ID, uint16, int64)) *cache {
	if leave == nil {
		leave = func(ID, uint16, int64) {}
	}
	return newCache(&feed{clock: newClock(), watched: true, alone: true}, max, leave)
}

func (c *cache) evictOne() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evict()
}

// known is a credential, and what was read of it.
type known struct {
	p *presented
	r *read
	c *Credential
}

func credentialOf(i int, prefix string, pad int) known {
	t := token{prefix: prefix, tag: 1<<48 | rand.Uint64()>>16}
	for j := range t.id {
		t.id[j] = byte(rand.Uint32())
	}
	for j := range t.secret {
		t.secret[j] = byte(rand.Uint32())
	}
	text := t.text()
	rec := &Record{ID: t.id, Prefix: prefix, Subject: fmt.Sprint("user_", i), Description: string(make([]byte, pad)),
		Credentials: []Credential{{Number: 1, Hash: "h"}}, ExpiresAt: time.Unix(2_000_000_000+int64(i), 0)}
	return known{&presented{token: t, text: text}, &read{record: rec, facts: pack(rec)}, &rec.Credentials[0]}
}

func (k known) fill(c *cache) hit {
	p := &presented{k.p.token, k.p.text, c.secrets.sum(secretOf(k.p.text))}
	return c.fill(p, digest{1, 2}, &read{record: k.r.record, facts: k.r.facts, mark: c.feed.mark(k.r.record.ID)}, k.c)
}

// What was read of a slot that was written meanwhile is no hit.
func TestSlotReadAfterPut(t *testing.T) {
	t.Parallel()
	c := cacheOf(1<<20, nil)
	a, b := credentialOf(1, "ak", 0), credentialOf(2, "ak", 0)
	a.fill(c)
	s, version := c.find(a.p.text)
	if s == nil {
		t.Fatal("not found")
	}
	if _, _, ok := s.read(version); !ok {
		t.Error("an untouched slot is no hit")
	}
	d := c.secrets.sum(secretOf(b.p.text))
	s.put(nameOf(b.p.text), s.prefix.Load(), d, newEntry(b.r.facts, 1, digest{}), never, 1)
	if h, _, ok := s.read(version); ok {
		t.Errorf("the text of one is a hit on another: %v", h.entry.handedOut().Subject())
	}
}

// A slot that is being written is none that is found.
func TestSlotBeingWritten(t *testing.T) {
	t.Parallel()
	c := cacheOf(1<<20, nil)
	a := credentialOf(1, "ak", 0)
	h := a.fill(c)
	h.slot.version.Add(1)
	if s, _ := c.find(a.p.text); s != nil {
		t.Error("found by its text")
	}
	if c.lookup(a.p.token.id, 0) != nil {
		t.Error("found by its id")
	}
	h.slot.version.Add(1)
	if s, _ := c.find(a.p.text); s == nil {
		t.Error("not found any more")
	}
}

// A cleared slot holds nothing of a credential.
func TestSlotCleared(t *testing.T) {
	t.Parallel()
	c := cacheOf(1<<20, nil)
	h := credentialOf(1, "ak", 0).fill(c)
	c.evictOne()
	s := h.slot
	if s.entry.Load() != nil || s.prefix.Load() != nil || s.trust.Load() != 0 || s.ends.Load() != 0 || s.digest() != (digest{}) || s.name() != (name{}) {
		t.Error("something stays")
	}
}

// All that is read of a slot is of one credential, whatever writers do.
func TestSlotIsReadWhole(t *testing.T) {
	t.Parallel()
	var s slot
	var es [2]*entry
	for i := range es {
		es[i] = newEntry(credentialOf(i, "ak", 0).r.facts, uint16(i), digest{})
	}
	p := &prefix{text: "ak"}
	var stop atomic.Bool
	var wg sync.WaitGroup
	put := func(i uint64) {
		s.put(name{i, i, i, i, i}, p, digest{i, i}, es[i], int64(i), i)
	}
	put(0)
	wg.Go(func() {
		for i := uint64(0); !stop.Load(); i++ {
			put(i & 1)
		}
	})
	defer wg.Wait()
	defer stop.Store(true)
	for hits := 0; hits < 20_000; {
		version := s.version.Load()
		if version&1 != 0 {
			continue
		}
		n, d := s.name(), s.digest()
		h, trust, ok := s.read(version)
		if !ok {
			continue
		}
		hits++
		i := n.id0
		if n != (name{i, i, i, i, i}) || d != (digest{i, i}) || h.entry != es[i] || h.ends != int64(i) || trust != i {
			t.Fatalf("torn after %d: %v %v %v %v", hits, n, d, h, trust)
		}
	}
}

// A text is never a hit on the entry of another, though slots change hands all the time.
func TestFindUnderReuse(t *testing.T) {
	t.Parallel()
	c := cacheOf(4<<10, nil)
	var keys []known
	for i := range 24 {
		keys = append(keys, credentialOf(i, []string{"ak", "sk_live"}[i%2], 10*i))
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := g; !stop.Load(); i++ {
				keys[i*7%len(keys)].fill(c)
				if i%16 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	var readers sync.WaitGroup
	for g := range 2 {
		readers.Go(func() {
			for i := g; i < 50_000; i++ {
				k := &keys[i%len(keys)]
				if s, version := c.find(k.p.text); s != nil {
					if h, trust, ok := s.read(version); ok {
						if trust != 1 || h.entry.facts.id() != k.p.token.id || h.ends != k.r.record.ExpiresAt.UnixNano() {
							t.Errorf("another's: trust %d", trust)
						}
					}
				}
				if key := c.lookup(k.p.token.id, 0); key != nil && key.facts.id() != k.p.token.id {
					t.Error("looked up another")
				}
			}
		})
	}
	readers.Wait()
	stop.Store(true)
	wg.Wait()
}

// Of all texts as long, the cache finds and remembers one: every character counts but those of the checksum, which was
// looked at before.
func TestFindsOneText(t *testing.T) {
	t.Parallel()
	c := cacheOf(1<<20, nil)
	k := credentialOf(1, "ak", 0)
	k.fill(c)
	known := func(text string) (found, remembered bool) {
		p := &presented{k.p.token, text, c.secrets.sum(secretOf(text))}
		s, _ := c.find(text)
		return s != nil, c.remembers(p, digest{1, 2})
	}
	if found, remembered := known(k.p.text); !found || !remembered {
		t.Fatal("its own text is not found, or not remembered")
	}
	for at := range len(k.p.text) - checksumDigits {
		text := []byte(k.p.text)
		text[at] ^= 1
		if found, remembered := known(string(text)); found || remembered {
			t.Errorf("with another character at %d: found %v, remembered %v", at, found, remembered)
		}
	}
	// The digest counts as a whole.
	s, _ := c.find(k.p.text)
	for _, d := range []digest{{s.low.Load() ^ 1, s.high.Load()}, {s.low.Load(), s.high.Load() ^ 1}} {
		if s.holds(d) {
			t.Error("half a digest is enough")
		}
	}
}
