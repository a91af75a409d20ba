package caches_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// TestOwnConcurrently has writers take entries out of, and put them into, the very chains that
// readers walk: 16 buckets for 600 entries. Nobody may ever be given another's entry. Those that nobody removes
// must be found at every look; a reader of slots may miss one, if it stands on a slot that is used again.
func TestOwnConcurrently(t *testing.T) {
	t.Parallel()
	o := caches.Options{Entries: 8, Bytes: 1 << 20, IDs: true}
	t.Run("slots", func(t *testing.T) {
		t.Parallel()
		walkConcurrently(t, caches.NewOwn(o), false)
	})
	t.Run("pointers", func(t *testing.T) {
		t.Parallel()
		walkConcurrently(t, caches.NewPointers(o), true)
	})
}

func walkConcurrently(t *testing.T, c caches.Distruster, strict bool) {
	keys := caches.Keys(600)
	const steady = 200
	for i := range keys {
		c.Put(notedEntry(keys, i))
	}
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for w := range 4 {
		writers.Go(func() {
			first := steady + w*100
			for range 20 {
				for i := first; i < first+100; i++ {
					c.Remove(keys[i].Tag)
				}
				for i := first; i < first+100; i++ {
					c.Put(notedEntry(keys, i))
					c.Distrust(caches.IDOf(5000 + i)) // nobody's
				}
			}
		})
	}
	for range 4 {
		readers.Go(func() {
			for round := 0; round < 10 || !done.Load(); round++ {
				for i := range keys {
					noted, ok := c.Find(&keys[i], 1)
					if ok && noted != int64(i+1) || !ok && strict && i < steady {
						t.Errorf("entry %d: noted %d, found is %t", i, noted, ok)
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
		if noted, ok := c.Find(&keys[i], 1); !ok || noted != int64(i+1) {
			t.Errorf("entry %d is lost: noted %d", i, noted)
		}
	}
}

// TestOwnReusesSlots has a few slots serve many credentials while readers look: a hit must be the tag's own in
// all it returns, and the tag of one with the digest of another, which a slot is on the way from one to the other, never is.
func TestOwnReusesSlots(t *testing.T) {
	t.Parallel()
	const room = 4
	keys := caches.Keys(3 * room)
	c := caches.NewOwn(caches.Options{Entries: room, Bytes: room * caches.EntryBytes, IDs: true})
	var writers, readers sync.WaitGroup
	var done atomic.Bool
	for w := range 2 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(31, uint64(w)))
			for n := 0; n < 20_000; n++ {
				i := r.IntN(len(keys))
				if n%4 == 0 {
					c.Remove(keys[i].Tag)
				} else {
					c.Put(notedEntry(keys, i))
				}
			}
		})
	}
	for g := range 4 {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(37, uint64(g)))
			for round := 0; round < 1000 || !done.Load(); round++ {
				i, k := r.IntN(len(keys)), r.IntN(len(keys))
				noted, ok := c.Find(&keys[i], 1)
				if ok && noted != int64(i+1) {
					t.Errorf("entry %d: noted %d", i, noted)
					return
				}
				torn := caches.Probe{Tag: keys[i].Tag, Digest: keys[k].Digest}
				if _, ok := c.Find(&torn, 1); ok && i != k {
					t.Errorf("found entry %d by the digest of %d", i, k)
					return
				}
			}
		})
	}
	writers.Wait()
	done.Store(true)
	readers.Wait()
	left := 0
	for i := range keys {
		if finds(c, &keys[i]) {
			left++
		}
	}
	if n := c.Len(); n != left || n > room {
		t.Errorf("%d entries, %d of them found, room for %d", n, left, room)
	}
}

// TestOwnReusedMeanwhile has the slot change hands between two looks of a reader.
func TestOwnReusedMeanwhile(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(2)
	c := caches.NewOwn(caches.Options{Entries: 1, Bytes: caches.EntryBytes})
	for name, meanwhile := range map[string]func(){
		"removed": func() { c.Remove(keys[0].Tag) },
		"evicted": func() { c.Put(notedEntry(keys, 1)) },
		"renewed": func() { c.Put(notedEntry(keys, 0)) },
	} {
		c.Put(notedEntry(keys, 0))
		if !c.Holds(keys[0].Tag, func() {}) {
			t.Errorf("%s: nothing is held before", name)
		}
		if c.Holds(keys[0].Tag, meanwhile) {
			t.Errorf("%s: it is held all the same", name)
		}
	}
}

// TestOwnEvictsConcurrently has the hand of SIEVE move while readers mark what they find.
func TestOwnEvictsConcurrently(t *testing.T) {
	t.Parallel()
	const room = 100
	keys := caches.Keys(2000)
	o := caches.Options{Entries: 16, Bytes: room * caches.EntryBytes, IDs: true}
	for name, c := range map[string]caches.Cache{"slots": caches.NewOwn(o), "pointers": caches.NewPointers(o)} {
		found := caches.Parallel(8, caches.Zipf(keys, 40_000, 1), func(trace []caches.Probe) int {
			return caches.Churn(c, trace)
		})
		if n := c.Len(); n != room {
			t.Errorf("%s: %d entries, room for %d", name, n, room)
		}
		if found == 0 || found == 40_000 {
			t.Errorf("%s: %d of 40000 found", name, found)
		}
	}
}

// TestOwnSpares shows that a hit is what saves an entry, and that it is spent.
func TestOwnSpares(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(5)
	o := caches.Options{Entries: 3, Bytes: 3 * caches.EntryBytes}
	for name, c := range map[string]caches.Cache{"slots": caches.NewOwn(o), "pointers": caches.NewPointers(o)} {
		caches.Fill(c, keys[:3])
		finds(c, &keys[0])
		c.Put(caches.NewEntry(&keys[3], caches.ID{})) // spares 0, evicts 1
		c.Put(caches.NewEntry(&keys[4], caches.ID{})) // goes on: evicts 2
		for i, want := range []bool{true, false, false, true, true} {
			if found := finds(c, &keys[i]); found != want {
				t.Errorf("%s: entry %d: found is %t", name, i, found)
			}
		}
	}
}
