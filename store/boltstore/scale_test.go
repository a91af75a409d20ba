package boltstore_test

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// BenchmarkScale shows what depends on the number of keys, for the sizes that APIKEY_SCALE names:
// "10k", unless it is set, or say "10k,1M,10M". The files go to a temporary folder. With
// APIKEY_SCALE_DIR they go there, and stay: to load ten million keys takes four minutes, and 10 GB.
//
// Where the operating system does not have the file in memory, it is the disk that is measured.
func BenchmarkScale(b *testing.B) {
	list := os.Getenv("APIKEY_SCALE")
	if list == "" {
		list = "10k"
	}
	sizes, err := scale.Sizes(list)
	if err != nil {
		b.Fatal(err)
	}
	dir := os.Getenv("APIKEY_SCALE_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	for _, n := range sizes {
		keys, path, err := scale.File(b.Context(), dir, n)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("keys="+scale.Size(n), func(b *testing.B) { benchmarkFile(b, keys, path) })
	}
}

func benchmarkFile(b *testing.B, keys *scale.Keys, path string) {
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := boltstore.Open(path, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})

	s := open(b, path, nil)
	at := func(i uint64) int { return int(scatter(i) % uint64(keys.Len())) }
	get := func(b *testing.B, from uint64) {
		b.ReportAllocs()
		for i := from; b.Loop(); i++ {
			if _, err := s.Get(b.Context(), keys.ID(at(i))); err != nil {
				b.Fatal(err)
			}
		}
	}
	// As long as the leaves are being checked, if the file is large.
	b.Run("get at once", func(b *testing.B) { get(b, 0) })
	boltstore.Swept(s)
	b.Run("get", func(b *testing.B) { get(b, 1<<32) })

	list := func(name string, subject func(i uint64) string, want int) {
		b.Run("first page/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				page, _, err := s.List(b.Context(), apikey.Filter{Subject: subject(i)}, apikey.ID{}, 50)
				if err != nil || len(page) != want {
					b.Fatal(len(page), err)
				}
			}
		})
	}
	list("10 keys", func(i uint64) string {
		return keys.Subject(int(scatter(i) % uint64(keys.Subjects()-1)))
	}, scale.PerSubject)
	list("many keys", func(uint64) string { return keys.Big() }, 50)

	b.Run("size", func(b *testing.B) {
		for b.Loop() { // it is the same each time
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(boltstore.Used(s))/float64(keys.Len()), "B/key")
	})
	b.Run("last used", func(b *testing.B) {
		s := writable(b, s, keys, path)
		const batch = 4096
		b.ReportAllocs()
		round, begun := uint64(0), time.Now().UTC().Truncate(time.Millisecond)
		for b.Loop() {
			round++
			now := begun.Add(time.Duration(round) * time.Millisecond) // later than in any run before
			uses := make([]apikey.Use, batch)
			for i := range uses {
				uses[i] = apikey.Use{ID: keys.ID(at(1<<48 + round*batch + uint64(i))), Number: 1, At: now}
			}
			if err := s.RecordUse(b.Context(), uses); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(batch*b.N), "ns/key")
	})
	if keys.Len() > 1_000_000 {
		return // the file is not a copy, and its subjects keep their numbers of keys
	}
	b.Run("create/64 creators", func(b *testing.B) {
		s := writable(b, s, keys, path)
		var next atomic.Int64
		before := boltstore.Commits(s)
		b.ResetTimer()
		var group sync.WaitGroup
		for range 64 {
			group.Go(func() {
				for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
					r := keys.Record(i)
					binary.BigEndian.PutUint64(r.ID[:], uint64(time.Now().UnixMilli())<<16|7<<12) // newer than all
					r.UniqueKey = r.ID.String()
					if err := s.Create(b.Context(), r); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
		b.ReportMetric(float64(b.N)/float64(boltstore.Commits(s)-before), "creates/commit")
	})
}

// writable returns a store to write to: a copy, so that the file stays as it was loaded, for its
// size and for the next run. Files of more than a million keys are not copied.
func writable(b *testing.B, s *boltstore.Store, keys *scale.Keys, path string) *boltstore.Store {
	b.Helper()
	if keys.Len() > 1_000_000 {
		return s
	}
	copied := filepath.Join(b.TempDir(), "keys.db")
	to, err := os.Create(copied)
	if err != nil {
		b.Fatal(err)
	}
	from, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Sync(), to.Close(), from.Close()); err != nil {
		b.Fatal(err)
	}
	s = open(b, copied, nil)
	boltstore.Swept(s)
	return s
}

// scatter spreads the numbers of a series over all there are, as a hash does.
func scatter(i uint64) uint64 {
	i = (i ^ i>>30) * 0xbf58476d1ce4e5b9
	i = (i ^ i>>27) * 0x94d049bb133111eb
	return i ^ i>>31
}
