package caches_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// TestOwnConcurrently has writers take entries out of, and put them into, the very chains that
// readers walk: 8 buckets for 600 entries. Those that nobody removes must be found at every look,
// and nobody may ever be given another's entry.
func TestOwnConcurrently(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(600)
	steady, moving := keys[:200], keys[200:]
	c := caches.NewOwn(caches.Options{Entries: 8, Bytes: 1 << 20, IDs: true})
	caches.Fill(c, keys)

	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for w := range 4 {
		mine := moving[w*100 : (w+1)*100]
		writers.Go(func() {
			for range 20 {
				for i := range mine {
					c.Remove(mine[i].Tag)
				}
				for i := range mine {
					c.Put(caches.NewEntry(&mine[i], caches.IDOf(1000+w*100+i)))
					c.Distrust(caches.IDOf(5000 + i)) // nobody's
				}
			}
		})
	}
	for range 4 {
		readers.Go(func() {
			for round := 0; round < 10 || !done.Load(); round++ {
				for i := range steady {
					if e := c.Find(&steady[i], 1); e == nil || e.Tag != steady[i].Tag {
						t.Errorf("steady %d: found %v", i, e)
						return
					}
				}
				for i := range moving {
					if e := c.Find(&moving[i], 1); e != nil && (e.Tag != moving[i].Tag || e.Digest != moving[i].Digest) {
						t.Errorf("moving %d: found %v", i, e)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	if n := c.Len(); n != len(keys) {
		t.Errorf("%d entries are left, want %d", n, len(keys))
	}
	for i := range keys {
		if c.Find(&keys[i], 1) == nil {
			t.Errorf("entry %d is lost", i)
		}
	}
}

// TestOwnEvictsConcurrently has the hand of SIEVE move while readers mark what they find.
func TestOwnEvictsConcurrently(t *testing.T) {
	t.Parallel()
	const room = 100
	keys := caches.Keys(2000)
	c := caches.NewOwn(caches.Options{Entries: 16, Bytes: room * caches.EntryBytes, IDs: true})
	found := caches.Parallel(8, caches.Zipf(keys, 40_000, 1), func(trace []caches.Probe) int {
		return caches.Churn(c, trace)
	})
	if n := c.Len(); n != room {
		t.Errorf("%d entries, room for %d", n, room)
	}
	if found == 0 || found == 40_000 {
		t.Errorf("%d of 40000 found", found)
	}
}

// TestOwnSpares shows that a hit is what saves an entry, and that it is spent.
func TestOwnSpares(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(5)
	c := caches.NewOwn(caches.Options{Entries: 3, Bytes: 3 * caches.EntryBytes})
	caches.Fill(c, keys[:3])
	c.Find(&keys[0], 1)
	c.Put(caches.NewEntry(&keys[3], caches.ID{})) // spares 0, evicts 1
	c.Put(caches.NewEntry(&keys[4], caches.ID{})) // goes on: evicts 2
	for i, want := range []bool{true, false, false, true, true} {
		if found := c.Find(&keys[i], 1) != nil; found != want {
			t.Errorf("entry %d: found is %t", i, found)
		}
	}
}
