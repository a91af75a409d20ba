package caches_test

import (
	"slices"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// all is every contender once.
func all() []caches.Contender {
	cs := caches.Contenders()
	for _, e := range caches.Evicting() {
		if !slices.ContainsFunc(cs, func(c caches.Contender) bool { return c.Name == e.Name }) {
			cs = append(cs, e)
		}
	}
	return cs
}

func finds(c caches.Cache, p *caches.Probe) bool {
	_, ok := c.Find(p, 1)
	return ok
}

func TestFindsWhatItHolds(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(5000)
	held, absent := keys[:4000], keys[4000:]
	for _, con := range all() {
		t.Run(con.Name, func(t *testing.T) {
			t.Parallel()
			c := con.New(caches.Options{Entries: len(held), Bytes: int64(len(held)) * caches.EntryBytes * 2})
			caches.Fill(c, held)
			if n := c.Len(); n != len(held) {
				t.Errorf("Len is %d after %d entries", n, len(held))
			}
			for i := range held {
				if !finds(c, &held[i]) {
					t.Fatalf("entry %d: not found", i)
				}
				other := held[i]
				other.Digest[i%2]++
				if finds(c, &other) {
					t.Fatalf("entry %d: found by another digest", i)
				}
				other = held[i]
				other.Tag[0]++
				if finds(c, &other) {
					t.Fatalf("entry %d: found by another tag", i)
				}
			}
			for i := range absent {
				if finds(c, &absent[i]) {
					t.Fatalf("found absent %d", i)
				}
			}
			for i := range held {
				if i%3 == 0 {
					c.Remove(held[i].Tag)
				}
			}
			c.Remove(absent[0].Tag)
			for i := range held {
				if found := finds(c, &held[i]); found != (i%3 != 0) {
					t.Fatalf("entry %d after the removals: found is %t", i, found)
				}
			}
			if n, want := c.Len(), len(held)-(len(held)+2)/3; n != want {
				t.Errorf("Len is %d, want %d", n, want)
			}
		})
	}
}

func TestPutReplaces(t *testing.T) {
	t.Parallel()
	for _, con := range all() {
		t.Run(con.Name, func(t *testing.T) {
			c := con.New(caches.Options{Entries: 4, Bytes: 4 * caches.EntryBytes})
			old := caches.Keys(1)[0]
			c.Put(caches.NewEntry(&old, caches.ID{}))
			next := old
			next.Digest[0]++
			c.Put(caches.NewEntry(&next, caches.ID{}))
			if finds(c, &old) || !finds(c, &next) || c.Len() != 1 {
				t.Errorf("old %t, next %t, Len %d", finds(c, &old), finds(c, &next), c.Len())
			}
		})
	}
}

// TestFindsWhenNoted asks for what a verification reads of a hit.
func TestFindsWhenNoted(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(100)
	for _, con := range all() {
		c := con.New(caches.Options{Entries: len(keys), Bytes: int64(len(keys)) * caches.EntryBytes * 2})
		for i := range keys {
			c.Put(notedEntry(keys, i))
		}
		for i := range keys {
			if noted, ok := c.Find(&keys[i], 1); !ok || noted != int64(i+1) {
				t.Fatalf("%s: of entry %d %d, found is %t", con.Name, i, noted, ok)
			}
		}
	}
}

// notedEntry is the entry of key i, whose last use was noted at i+1: nobody else's was.
func notedEntry(keys []caches.Probe, i int) *caches.Entry {
	e := caches.NewEntry(&keys[i], caches.IDOf(i))
	e.Noted.Store(int64(i + 1))
	return e
}

func TestEnds(t *testing.T) {
	t.Parallel()
	p := caches.Keys(1)[0]
	for _, con := range all() {
		c := con.New(caches.Options{Entries: 4, Bytes: 4 * caches.EntryBytes})
		e := caches.NewEntry(&p, caches.ID{})
		e.EndAt(100)
		c.Put(e)
		_, before := c.Find(&p, 99)
		_, then := c.Find(&p, 100)
		if !before || then {
			t.Errorf("%s: at 99 %t, at 100 %t", con.Name, before, then)
		}
	}
}

// TestBound puts ten times too much in, some of it asked for again and again.
func TestBound(t *testing.T) {
	t.Parallel()
	const room = 1000
	keys := caches.Keys(10 * room)
	hot := keys[:room/10]
	for _, con := range caches.Evicting() {
		t.Run(con.Name, func(t *testing.T) {
			t.Parallel()
			c := con.New(caches.Options{Entries: room, Bytes: room * caches.EntryBytes})
			for i := range keys {
				c.Put(caches.NewEntry(&keys[i], caches.IDOf(i)))
				if i%100 == 99 {
					for k := range hot {
						c.Find(&hot[k], 1)
						if k%8 == 7 {
							c.Len() // otter takes note of hits here: of more at once it drops some
						}
					}
					if n := c.Len(); n > room || i >= room && n < room*9/10 {
						t.Fatalf("%d entries after %d, room for %d", n, i+1, room)
					}
				}
			}
			found := 0
			for i := range keys {
				if finds(c, &keys[i]) {
					found++
				}
			}
			if n := c.Len(); found != n {
				t.Errorf("found %d, Len %d", found, n)
			}
			kept := 0
			for k := range hot {
				if finds(c, &hot[k]) {
					kept++
				}
			}
			if fifo := con.Name == "RWMutex + map, FIFO"; !fifo && kept < len(hot)*9/10 || fifo && kept != 0 {
				t.Errorf("%d of %d hot ones are left", kept, len(hot))
			}
		})
	}
}

// TestDistrust looks at both credentials of an id, at a neighbour, and at what was evicted.
func TestDistrust(t *testing.T) {
	t.Parallel()
	const room = 500
	keys := caches.Keys(4 * room)
	for _, con := range caches.Contenders() {
		c, ok := con.New(caches.Options{Entries: room, Bytes: room * caches.EntryBytes, IDs: true}).(caches.Distruster)
		if !ok {
			continue
		}
		t.Run(con.Name, func(t *testing.T) {
			t.Parallel()
			caches.Fill(c, keys)
			c.Len()
			held := map[int]bool{}
			for i := range keys {
				held[i] = finds(c, &keys[i])
			}
			distrusted := 0
			for i := 0; i < len(keys); i += 4 { // of the ids, every second: two credentials each
				c.Distrust(caches.IDOf(i))
			}
			for i := range keys {
				want := held[i] && i%4 >= 2
				if found := finds(c, &keys[i]); found != want {
					t.Fatalf("credential %d: found is %t, held before %t", i, found, held[i])
				}
				if held[i] && !want {
					distrusted++
				}
			}
			if distrusted == 0 {
				t.Error("nothing was held that was distrusted")
			}
		})
	}
}

func TestDriveFindsAll(t *testing.T) {
	t.Parallel()
	keys := caches.Keys(1000)
	trace := caches.Zipf(keys, 20_000, 1)
	for _, con := range caches.Contenders() {
		c := con.New(caches.Options{Entries: len(keys), Bytes: int64(len(keys)) * caches.EntryBytes * 2})
		caches.Fill(c, keys)
		if n := caches.Parallel(4, trace, func(t []caches.Probe) int { return caches.Drive(c, t, 0) }); n != len(trace) {
			t.Errorf("%s: %d of %d found", con.Name, n, len(trace))
		}
	}
}
