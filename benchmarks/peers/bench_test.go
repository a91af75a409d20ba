package peers_test

import (
	"os"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
)

// BenchmarkPeers verifies with each peer, 1,000 credentials each; the slow ones have 16, whose
// making costs a password hash each, unless APIKEY_BENCHMARKS_FULL is set. For benchstat:
//
//	go test -run '^$' -bench Peers -count 10 ./peers | tee peers.out
//	go run golang.org/x/perf/cmd/benchstat@latest -col /peer -row /mode peers.out
func BenchmarkPeers(b *testing.B) {
	slow := 16
	if os.Getenv("APIKEY_BENCHMARKS_FULL") != "" {
		slow = 0
	}
	sets, err := peers.NewSets(peers.Kinds(), 1000, slow)
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range sets {
		b.Run("peer="+s.Name+"/mode=serial", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := s.Present(i, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("peer="+s.Name+"/mode=parallel", func(b *testing.B) {
			b.ReportAllocs()
			var workers atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(workers.Add(1)) * 7919; pb.Next(); i++ {
					if err := s.Present(i, 1); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
