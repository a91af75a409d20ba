// Package caches puts the index of the Verifier's cache beside those one could take instead:
// it finds a credential by the digits of its tag, and it is asked at every request.
//
//	go test -bench . ./caches     # 10,000 entries; CACHES_KEYS=1000000 for more
//	go run ./caches/compare       # all of it, some minutes and 13 GB of memory: writes docs/caches.md
package caches

// Cache is a contender. Find may be called at any time; so may the others.
type Cache interface {
	// Find reports whether there is an entry the probe equals that is trusted and not over at now, and returns when its
	// last use was noted: a verification reads that at each hit.
	Find(p *Probe, now int64) (noted int64, ok bool)
	// Put keeps a new entry, in place of any of the same tag. An entry is put once, into one Cache.
	Put(e *Entry)
	// Remove forgets the entry of this tag.
	Remove(tag Tag)
	// Len counts the entries, after whatever a bound still has to evict.
	Len() int
}

// Distruster is a Cache that was made with [Options.IDs].
type Distruster interface {
	Cache
	// Distrust makes no entry of this id trusted.
	Distrust(id ID)
}

// Options are what a contender is made with.
type Options struct {
	Entries int   // expected; every contender gets its room at once
	Bytes   int64 // of entries, as [Entry.Bytes] counts them for all alike; for those that are bounded
	IDs     bool  // keep an index by id, too; for those that can
}

// Contender is a way to build the index.
type Contender struct {
	Name    string
	Bounded bool
	New     func(Options) Cache
}

// Own is the name of the structure the root has.
const Own = "own"

// Contenders returns those that are compared as an index: own first.
func Contenders() []Contender {
	return []Contender{
		{Own, true, func(o Options) Cache { return NewOwn(o) }},
		{"own before: pointers", true, func(o Options) Cache { return NewPointers(o) }},
		{"xsync.Map", false, NewXsync},
		{"xsync.Map + SIEVE", true, func(o Options) Cache { return NewXsyncSieve(o) }},
		{"otter", true, func(o Options) Cache { return NewOtter(o) }},
		{"sync.Map", false, NewSyncMap},
		{"256 x RWMutex + map", false, NewSharded},
		{"RWMutex + map", false, NewRWMap},
		{"RWMutex + map + SIEVE", true, NewMapSieve},
	}
}

// Evicting returns those that are compared by what they keep: own first.
func Evicting() []Contender {
	var cs []Contender
	for _, c := range Contenders() {
		if c.Bounded {
			cs = append(cs, c)
		}
	}
	return append(cs,
		Contender{"Mutex + map, LRU", true, NewLRU},
		Contender{"RWMutex + map, FIFO", true, NewFIFO})
}
