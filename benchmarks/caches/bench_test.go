package caches_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// keyCount is 10,000; CACHES_KEYS in the environment says otherwise.
func keyCount(b *testing.B) int {
	s := os.Getenv("CACHES_KEYS")
	if s == "" {
		return 10_000
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		b.Fatalf("CACHES_KEYS=%q: want a positive number", s)
	}
	return n
}

// BenchmarkFind is one request of a trace that the cache holds all of.
func BenchmarkFind(b *testing.B) {
	keys := caches.Keys(keyCount(b))
	traces := map[string][]caches.Probe{
		"uniform": caches.Uniform(keys, 1<<16),
		"zipf":    caches.Zipf(keys, 1<<16, 1),
	}
	for _, con := range caches.Contenders() {
		c := con.New(caches.Options{Entries: len(keys), Bytes: int64(len(keys)) * caches.EntryBytes * 11 / 10})
		records := caches.Fill(c, keys)
		for _, access := range []string{"uniform", "zipf"} {
			for _, every := range []int{0, 100} {
				for _, n := range []int{1, runtime.GOMAXPROCS(0)} {
					b.Run(fmt.Sprintf("%s/%s/writes=%d%%/goroutines=%d", con.Name, access, min(every, 1), n), func(b *testing.B) {
						perRequest(b, n, traces[access], func(t []caches.Probe) int { return caches.Drive(c, t, every) })
					})
				}
			}
		}
		runtime.KeepAlive(records)
	}
}

// BenchmarkChurn is one request of a trace that the cache holds a tenth of.
func BenchmarkChurn(b *testing.B) {
	keys := caches.Keys(keyCount(b))
	trace := caches.Zipf(keys, 1<<16, 1)
	for _, con := range caches.Evicting() {
		b.Run(con.Name, func(b *testing.B) {
			room := max(len(keys)/10, 1)
			c := con.New(caches.Options{Entries: room, Bytes: int64(room) * caches.EntryBytes})
			perRequest(b, 1, trace, func(t []caches.Probe) int { return caches.Churn(c, t) })
		})
	}
}

// perRequest drives whole traces and reports the time of one request.
func perRequest(b *testing.B, n int, trace []caches.Probe, f func([]caches.Probe) int) {
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found += caches.Parallel(n, trace, f)
	}
	requests := float64(b.N) * float64(len(trace))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/requests, "ns/request")
	b.ReportMetric(float64(found)/requests, "hits/request")
}

// BenchmarkDistrust is one word of a change to a record.
func BenchmarkDistrust(b *testing.B) {
	keys := caches.Keys(keyCount(b))
	ids := make([]caches.ID, len(keys))
	for i := range ids {
		ids[i] = caches.IDOf(i * 2654435761 % len(keys))
	}
	for _, con := range caches.Contenders() {
		c, ok := con.New(caches.Options{Entries: len(keys), Bytes: int64(len(keys)) * caches.EntryBytes * 11 / 10, IDs: true}).(caches.Distruster)
		if !ok {
			continue
		}
		records := caches.Fill(c, keys)
		b.Run(con.Name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Distrust(ids[i%len(ids)])
				i++
			}
		})
		runtime.KeepAlive(records)
	}
}
