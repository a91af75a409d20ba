package boltstore_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// BenchmarkReplace is what a revocation costs, alone and when writers share commits, and what it
// adds to the file. Where old changes are logged, each removes two of them, as in a store that has
// been in use for longer than they are kept.
func BenchmarkReplace(b *testing.B) {
	const n = 10_000
	replaces := func(writers, old int) func(b *testing.B) {
		return func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "keys.db")
			s := filled(b, path, n)
			if old > 0 {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				oldLog(b, path, old)
				s = open(b, path, nil)
			}
			var next atomic.Int64
			before := boltstore.Used(s)
			b.ReportAllocs()
			b.ResetTimer()
			var group sync.WaitGroup
			for range writers {
				group.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						r := record(int(i * 7919 % n))
						r.Version = uint64(1 + (i-1)/n) // each is replaced once in a round
						r.Subject = fmt.Sprintf("user_%d", i*7919%n%(n/10))
						if err := s.Replace(b.Context(), r); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
			b.ReportMetric(float64(boltstore.Used(s)-before)/float64(b.N), "B/replace")
		}
	}
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), replaces(writers, 0))
		b.Run(fmt.Sprintf("writers=%d/old changes", writers), replaces(writers, 50_000))
	}
}

// BenchmarkChanges is what a long log costs to read.
func BenchmarkChanges(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("changes=%d", n), func(b *testing.B) {
			s := filled(b, b.TempDir()+"/keys.db", n)
			var replaces []func() error
			for i := range n {
				r := record(i)
				r.Version, r.Subject = 1, fmt.Sprintf("user_%d", i%(n/10))
				replaces = append(replaces, func() error { return s.Replace(b.Context(), r) })
			}
			together(b, replaces)
			b.ReportAllocs()
			for b.Loop() {
				if all, err := s.Changes(b.Context(), time.Hour); err != nil || len(all) != n {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}
