package hash_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

func BenchmarkNew(b *testing.B) {
	secret := make([]byte, 24)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hash.New(secret, hash.Default()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatches(b *testing.B) {
	secret := make([]byte, 24)
	d := mustNew(b, secret, hash.Default())
	b.ReportAllocs()
	for b.Loop() {
		if !d.Matches(secret) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, bench := range []struct {
		name, phc string
		ok        bool
	}{
		{"accepted", phc("m=19456,t=2,p=1"), true},
		{"refused", phc("m=1048576,t=2,p=1"), false},
		{"too_long", phc(string(make([]byte, 1e6))), false},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := hash.Parse(bench.phc); (err == nil) != bench.ok {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	d := mustNew(b, []byte("secret"), small)
	b.ReportAllocs()
	for b.Loop() {
		_ = d.String()
	}
}

func BenchmarkGate(b *testing.B) {
	ctx := context.Background()
	b.Run("uncontended", func(b *testing.B) {
		g := mustGate(b, 1, 1, 0)
		b.ReportAllocs()
		for b.Loop() {
			if err := g.Do(ctx, id("a"), func() {}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("contended", func(b *testing.B) { // 64 callers a core for one permit
		g := mustGate(b, 1, 1<<20, 0)
		var callers atomic.Uint32
		b.ReportAllocs()
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			own := [16]byte{byte(callers.Add(1))}
			for pb.Next() {
				if err := g.Do(ctx, own, func() {}); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
