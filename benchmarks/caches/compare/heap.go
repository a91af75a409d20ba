package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// heap builds each contender alone, and takes off what all have in common.
func (r *report) heap(n int) {
	keys := caches.Keys(n)
	t := table{head: []string{"bytes of heap", "an entry, full", "with an index by id", "all in all, with 1,000 entries"}}
	for _, con := range append(caches.Contenders(), finders()[len(caches.Contenders())]) {
		r.logf("heap: %s", con.Name)
		o := room(n)
		full := heapOf(con, o, keys)
		o.IDs = true
		withIDs := "-"
		if _, ok := con.New(caches.Options{Entries: 1, Bytes: caches.EntryBytes, IDs: true}).(caches.Distruster); ok {
			bytes := heapOf(con, o, keys)
			withIDs = fmt.Sprintf("%.1f", bytes/float64(n))
		}
		few := heapOf(con, room(n), keys[:1000])
		t.rows = append(t.rows, []string{con.Name, fmt.Sprintf("%.1f", full/float64(n)), withIDs,
			fmt.Sprintf("%.1f MB", few/1e6)})
	}
	t.write(&r.text)
}

// heapOf returns all bytes but the packed records. Those of the store are gone when it counts.
func heapOf(con caches.Contender, o caches.Options, keys []caches.Probe) (bytes float64) {
	before := heapInUse()
	c := con.New(o)
	caches.Fill(c, keys)
	n := c.Len()
	bytes = float64(heapInUse()-before) - float64(int64(n)*caches.PackedBytes)
	runtime.KeepAlive(c)
	return bytes
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // frees what the first one swept
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// distrust tells of changes to keys at random.
func (r *report) distrust(n int) {
	r.logf("distrust")
	keys := caches.Keys(n)
	var cons []caches.Contender
	var cs []caches.Distruster
	var records [][]*caches.Record
	for _, con := range caches.Contenders() {
		o := room(n)
		o.IDs = true
		if c, ok := con.New(o).(caches.Distruster); ok {
			records = append(records, caches.Fill(c, keys))
			cons, cs = append(cons, con), append(cs, c)
		}
	}
	const calls = 1 << 16
	ids := make([]caches.ID, calls*r.rounds)
	rnd := rand.New(rand.NewPCG(23, 29))
	for i := range ids {
		ids[i] = caches.IDOf(rnd.IntN(n))
	}
	figures := rounds(r.rounds, len(cs), func(round, i int) float64 {
		return on(1, func() {
			for _, id := range ids[round*calls:][:calls] {
				cs[i].Distrust(id)
			}
		}) / calls
	})
	runtime.KeepAlive(records)
	t := table{head: []string{"distrust by id", "ns (x own)"}}
	for i, f := range figures {
		t.rows = append(t.rows, []string{cons[i].Name, fmt.Sprintf("%.0f (%.2f)", f.ns, f.ratio)})
	}
	t.write(&r.text)
}
