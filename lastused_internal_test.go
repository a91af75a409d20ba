package apikey

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func usesOf(max int64) (*cache, *lastUsed) {
	u := &lastUsed{interval: time.Hour, step: 1, stats: new(stats), pending: make(map[credentialID]int64)}
	u.ctx, u.cancel = context.WithCancel(context.Background())
	c := cacheOf(max, u.keep)
	u.cache = c
	return c, u
}

// both runs f and g at the same time.
func both(turn *atomic.Int32, f, g func()) {
	done := make(chan struct{})
	turn.Store(0)
	go func() {
		turn.Add(1)
		for turn.Load() < 2 {
		}
		g()
		close(done)
	}()
	turn.Add(1)
	for turn.Load() < 2 {
	}
	f()
	<-done
}

// A use is listed while its credential leaves the cache.
func TestUseWhileItLeaves(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	var turn atomic.Int32
	lost := 0
	for i := int64(1); i <= 20_000; i++ {
		k.fill(c)
		s, version := c.find(k.p.text)
		h, _, _ := s.read(version)
		both(&turn, func() { // as Verify does
			for range i % 200 { // at different moments
				turn.Load()
			}
			u.use(h, i)
		}, func() {
			c.evictOne()
		})
		if at := u.collect()[credentialID{k.p.token.id, 1}]; at != i {
			if lost++; lost == 1 {
				t.Errorf("round %d: a use that was noted is neither listed nor pending", i)
			}
		}
	}
	t.Logf("%d lost, %d counted", lost, u.stats.useFailures.Load())
}

// A use is noted while its record is read anew.
func TestUseWhileItIsRenewed(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	k.fill(c)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		for !stop.Load() {
			k.fill(c)
		}
		close(done)
	}()
	lost, i := 0, int64(0)
	for i < 100_000 {
		s, version := c.find(k.p.text)
		if s == nil {
			continue
		}
		h, _, ok := s.read(version)
		if !ok {
			continue
		}
		i++
		u.use(h, i)
		if at := u.collect()[credentialID{k.p.token.id, 1}]; at != i {
			if lost++; lost == 1 {
				t.Errorf("round %d: a use that was noted is written as %d", i, at)
			}
		}
	}
	stop.Store(true)
	<-done
	t.Logf("%d of %d lost, %d counted", lost, i, u.stats.useFailures.Load())
}

// The slot is another's, and on the list, before the use is listed.
func TestUseOfASlotThatIsListedForAnother(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	a, b := credentialOf(1, "ak", 0), credentialOf(2, "ak", 0)
	a.fill(c)
	s, version := c.find(a.p.text)
	h, _, _ := s.read(version)
	if !s.noted.CompareAndSwap(h.noted, 10) {
		t.Fatal("not noted")
	}
	c.evictOne()
	b.fill(c)
	sb, version := c.find(b.p.text)
	hb, _, _ := sb.read(version)

	u.use(hb, 11)
	u.use(h, 10) // as after the CompareAndSwap
	if got := u.collect(); got[credentialID{a.p.token.id, 1}] != 10 || got[credentialID{b.p.token.id, 1}] != 11 || sb != s {
		t.Errorf("%d uses of 2: %v", len(got), got)
	}
}

// A use is noted only where it took place.
func TestUseIsNotNotedOnAnother(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	a, b := credentialOf(1, "ak", 0), credentialOf(2, "ak", 0)
	h := a.fill(c)
	c.evictOne()
	hb := b.fill(c)
	if u.use(h, 10); hb.slot == h.slot && hb.slot.noted.Load() == 10 {
		t.Errorf("noted on another's slot, listed %v: %v", hb.slot.listed.Load(), u.collect())
	}
}

// What was collected is handed over though the bound is reached, or Close has begun.
func TestCollectedUseLeavesAfterCloseBegan(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	k.fill(c)
	s, version := c.find(k.p.text)
	h, _, _ := s.read(version)
	u.use(h, 10)
	u.mu.Lock()
	u.closed = true // as close does, before it waits for a flush under way and flushes
	u.mu.Unlock()
	c.evictOne() // by a Verify under way
	if got := u.collect(); len(got) != 1 {
		t.Errorf("a use collected before Close is lost: %v, counted %d", got, u.stats.useFailures.Load())
	}
}

// A credential takes one place of what is collected, not one for each time it leaves and comes back.
func TestListedSlotsThatLeft(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	for i := int64(1); i <= 1000; i++ {
		k.fill(c)
		s, version := c.find(k.p.text)
		h, _, _ := s.read(version)
		u.use(h, i)
		c.evictOne()
	}
	if len(u.listed)+len(u.pending) > 10 {
		t.Errorf("one credential, one slot: %d listed, %d pending", len(u.listed), len(u.pending))
	}
}

// A time that is later than what others have stays the latest: note and collect take the maximum.
func TestTheLatestUseStays(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	id := credentialID{k.p.token.id, 1}
	u.note(id.id, 1, 20)
	u.note(id.id, 1, 10)
	k.fill(c)
	s, version := c.find(k.p.text)
	h, _, _ := s.read(version)
	u.use(h, 15)
	if got := u.collect(); got[id] != 20 {
		t.Errorf("%v", got)
	}
}

// What leaves while it is listed hands its latest time over, once.
func TestListedUseLeaves(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	k := credentialOf(1, "ak", 0)
	k.fill(c)
	s, version := c.find(k.p.text)
	h, _, _ := s.read(version)
	u.use(h, 10)
	s.noted.Store(12)
	c.evictOne()
	if got := u.collect(); got[credentialID{k.p.token.id, 1}] != 12 || len(got) != 1 {
		t.Errorf("%v", got)
	}
	if got := u.collect(); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
}

// What is collected is bounded, and what is more is counted.
func TestCollectedUsesAreBounded(t *testing.T) {
	t.Parallel()
	c, u := usesOf(1 << 20)
	for i := range maxPending {
		u.note(ID{byte(i), byte(i >> 8), byte(i >> 16)}, 1, 5)
	}
	u.note(ID{1}, 1, 6) // one of them
	if n := u.stats.useFailures.Load(); n != 0 {
		t.Errorf("%d dropped within the bound", n)
	}
	u.note(ID{0, 0, 0, 1}, 1, 6)
	u.use(credentialOf(1, "ak", 0).fill(c), 6)
	if n, got := u.stats.useFailures.Load(), u.collect(); n != 2 || len(got) != maxPending {
		t.Errorf("%d dropped, %d collected", n, len(got))
	}
}
