package memstore_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

const benchRecords, benchSubjects = 100_000, 1000

func BenchmarkGet(b *testing.B) {
	s := fill(b, benchRecords, benchSubjects)
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(b.Context(), id(rand.N(benchRecords))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Get(b.Context(), id(rand.N(benchRecords))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkCreate(b *testing.B) {
	s := memstore.New()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := s.Create(b.Context(), record(n, benchSubjects)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplace replaces one record after the other.
func BenchmarkReplace(b *testing.B) {
	s := fill(b, benchRecords, benchSubjects)
	b.ReportAllocs()
	n, version := 0, uint64(1)
	for b.Loop() {
		r := record(n, benchSubjects)
		r.Version = version
		if err := s.Replace(b.Context(), r); err != nil {
			b.Fatal(err)
		}
		if n++; n == benchRecords {
			n, version = 0, version+1
		}
	}
}

// BenchmarkDelete deletes a record from among the others and puts it back.
func BenchmarkDelete(b *testing.B) {
	s := fill(b, benchRecords, benchSubjects)
	b.ReportAllocs()
	for b.Loop() {
		n := rand.N(benchRecords)
		if err := s.Delete(b.Context(), id(n)); err != nil {
			b.Fatal(err)
		}
		if err := s.Create(b.Context(), record(n, benchSubjects)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList reads the first page of 50 of a subject that has 100 keys.
func BenchmarkList(b *testing.B) {
	s := fill(b, benchRecords, benchSubjects)
	b.ReportAllocs()
	for b.Loop() {
		page, _, err := s.List(b.Context(), apikey.Filter{Subject: "user_7"}, apikey.ID{}, 50)
		if err != nil || len(page) != 50 {
			b.Fatal(len(page), err)
		}
	}
}
