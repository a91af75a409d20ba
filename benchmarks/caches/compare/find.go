package main

import (
	"fmt"
	"runtime"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// nothing answers at once: what it takes is the driver's.
type nothing struct{ e *caches.Entry }

func (n nothing) Find(*caches.Probe, int64) (int64, bool) { return n.e.Noted.Load(), true }
func (nothing) Put(*caches.Entry)                         {}
func (nothing) Remove(caches.Tag)                         {}
func (nothing) Len() int                                  { return 0 }

// finders are the contenders, own with an index of twice the size, and the driver alone.
func finders() []caches.Contender {
	return append(caches.Contenders(),
		caches.Contender{Name: "own, twice the buckets", New: func(o caches.Options) caches.Cache {
			o.Entries *= 2
			return caches.NewOwn(o)
		}},
		caches.Contender{Name: "(the driver alone)", New: func(caches.Options) caches.Cache {
			return nothing{caches.NewEntry(new(caches.Probe), caches.ID{})}
		}})
}

// room is for n entries and a tenth more: nothing is evicted.
func room(n int) caches.Options {
	return caches.Options{Entries: n, Bytes: int64(n) * caches.EntryBytes * 11 / 10}
}

// find fills the contenders with n keys and asks for them. A round has requests of its own where
// they are many: else the part of the keys it asks for would stay in the processor's cache.
func (r *report) find(n int) {
	requests, repeat, parts := 1<<18, 1, r.rounds
	if n <= 10_000 {
		requests, repeat, parts = 1<<13, 64, 1
	}
	cons := finders()
	keys := caches.Keys(n)
	cs := make([]caches.Cache, len(cons))
	records := make([][]*caches.Record, len(cons))
	for i, con := range cons {
		cs[i] = con.New(room(n))
		records[i] = caches.Fill(cs[i], keys)
	}
	traces := [][]caches.Probe{
		caches.Uniform(keys, requests*parts),
		caches.Zipf(keys, requests*parts, 1),
	}
	t := table{head: []string{"ns a request (x own)", "allocs a hit"}}
	var rows [][]string
	for i, con := range cons {
		rows = append(rows, []string{con.Name, fmt.Sprintf("%.0f", allocs(cs[i], traces[0][:requests]))})
	}
	for a, access := range []string{"uniform", "zipf 1.0"} {
		for _, every := range []int{0, 100} {
			for _, procs := range []int{1, runtime.NumCPU()} {
				r.logf("find: %d entries, %s, a write in %d, %d goroutines", n, access, every, procs)
				figures := rounds(r.rounds, len(cs), func(round, i int) float64 {
					part := traces[a][round%parts*requests:][:requests]
					return on(procs, func() {
						caches.Parallel(procs, part, func(trace []caches.Probe) (found int) {
							for range repeat {
								found += caches.Drive(cs[i], trace, every)
							}
							return found
						})
					}) / float64(requests*repeat)
				})
				t.head = append(t.head, fmt.Sprintf("%s, %d%% writes, %s", access, min(every, 1), cores(procs)))
				for i, f := range figures {
					rows[i] = append(rows[i], fmt.Sprintf("%.0f (%.2f)", f.ns, f.ratio))
				}
			}
		}
	}
	t.rows = rows
	t.write(&r.text)
	runtime.KeepAlive(cs)
	runtime.KeepAlive(records)
}

func cores(n int) string {
	if n == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", n)
}

// allocs are counted over a trace that is read, less the one of the driver.
func allocs(c caches.Cache, trace []caches.Probe) float64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	caches.Drive(c, trace, 0)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(len(trace))
}
