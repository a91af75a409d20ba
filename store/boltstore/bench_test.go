package boltstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// filled returns a store of n records, 10 of each subject.
func filled(b *testing.B, path string, n int) *boltstore.Store {
	b.Helper()
	s := open(b, path, nil)
	const creators = 512
	var next atomic.Int64
	var group sync.WaitGroup
	for range creators {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				r := record(i)
				r.Subject = fmt.Sprintf("user_%d", i%(n/10))
				if err := s.Create(b.Context(), r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return s
}

func BenchmarkGet(b *testing.B) {
	const n = 10_000
	s := filled(b, filepath.Join(b.TempDir(), "keys.db"), n)
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i = (i + 7919) % n
			if _, err := s.Get(b.Context(), id(i)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := 0
			for pb.Next() {
				i = (i + 7919) % n
				if _, err := s.Get(b.Context(), id(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// BenchmarkGetWhileCreating: a read that sees a commit waits for its sync.
func BenchmarkGetWhileCreating(b *testing.B) {
	const n = 10_000
	s := filled(b, filepath.Join(b.TempDir(), "keys.db"), n)
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := w; ctx.Err() == nil; i += 4 {
				if err := s.Create(b.Context(), record(n+i)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % n
		if _, err := s.Get(b.Context(), id(i)); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	group.Wait()
}

// BenchmarkCreate compares creators that share commits with creators that queue for a commit
// each, as they would without the queue.
func BenchmarkCreate(b *testing.B) {
	for _, creators := range []int{1, 8, 64} {
		for _, shared := range []bool{true, false} {
			name := fmt.Sprintf("creators=%d/shared=%v", creators, shared)
			b.Run(name, func(b *testing.B) {
				s := open(b, filepath.Join(b.TempDir(), "keys.db"), nil)
				var alone sync.Mutex
				var next atomic.Int64
				b.ReportAllocs()
				before := boltstore.Commits(s)
				b.ResetTimer()
				var group sync.WaitGroup
				for range creators {
					group.Go(func() {
						for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
							r := record(n)
							if !shared {
								alone.Lock()
							}
							err := s.Create(b.Context(), r)
							if !shared {
								alone.Unlock()
							}
							if err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				group.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
				b.ReportMetric(float64(b.N)/float64(boltstore.Commits(s)-before), "creates/commit")
			})
		}
	}
}

// BenchmarkLarge is what depends on the number of records, and what must not: the first page
// of a subject.
func BenchmarkLarge(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		path := filepath.Join(b.TempDir(), "keys.db")
		s := filled(b, path, n)
		b.Run(fmt.Sprintf("list subject/records=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				page, _, err := s.List(b.Context(), apikey.Filter{Subject: "user_500"}, apikey.ID{}, 50)
				if err != nil || len(page) != 10 {
					b.Fatal(len(page), err)
				}
			}
		})
		b.Run(fmt.Sprintf("count/records=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if count, err := s.Count(b.Context(), apikey.Filter{}); count != n || err != nil {
					b.Fatal(count, err)
				}
			}
		})
		used := boltstore.Used(s)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("open/records=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(used)
			for b.Loop() {
				s, err := boltstore.Open(path, nil)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRecordUse(b *testing.B) {
	const n = 10_000
	s := filled(b, filepath.Join(b.TempDir(), "keys.db"), n)
	b.ReportAllocs()
	at := created
	for b.Loop() {
		at = at.Add(time.Minute)
		uses := make([]apikey.Use, 1000)
		for i := range uses {
			uses[i] = apikey.Use{ID: id(i * 7919 % n), Number: 1, At: at}
		}
		if err := s.RecordUse(b.Context(), uses); err != nil {
			b.Fatal(err)
		}
	}
}
