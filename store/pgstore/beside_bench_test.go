package pgstore_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// call makes one call, the i-th of all; those of one worker come one after the other.
type call func(worker, i int) error

// many is how many writers and readers there are where there is more than one: as many have a connection each.
const many = 32

// besides runs what a store does and what a bare statement does, each alone for what it allocates, and then both in turns.
func besides(b *testing.B, name string, ours, bare call, workers ...int) {
	b.Run(name+"/store", func(b *testing.B) { alone(b, ours) })
	b.Run(name+"/bare", func(b *testing.B) { alone(b, bare) })
	for _, n := range workers {
		b.Run(fmt.Sprintf("%s/store by bare/workers=%d", name, n), func(b *testing.B) { beside(b, n, ours, bare) })
	}
}

func alone(b *testing.B, f call) {
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if err := f(0, i); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		var workers, next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for worker := int(workers.Add(1)) - 1; pb.Next(); {
				if err := f(worker, int(next.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// slice is for how long one side has its turn.
const slice = 20 * time.Millisecond

// beside lets both take turns, so that what a machine does besides meets both, and reports the median of the rounds' ratios. Each
// loop of the benchmark is a round, whose order is the other way round than in the one before.
func beside(b *testing.B, workers int, ours, bare call) {
	sides := [2]call{ours, bare}
	var next [2]atomic.Int64
	var nanos [2][]float64
	var ratios []float64
	for side := range sides { // connections are made, statements prepared
		turn(b, workers, sides[side], &next[side])
	}
	for round := 0; b.Loop(); round++ {
		for t := range sides {
			side := (t + round) % 2
			nanos[side] = append(nanos[side], turn(b, workers, sides[side], &next[side]))
		}
		ratios = append(ratios, nanos[0][round]/nanos[1][round])
	}
	b.ReportMetric(0, "ns/op") // that of a round says nothing
	b.ReportMetric(median(nanos[0]), "store-ns")
	b.ReportMetric(median(nanos[1]), "bare-ns")
	b.ReportMetric(median(ratios), "store/bare")
	b.ReportMetric(1e9/median(nanos[0]), "store/s")
	b.ReportMetric(1e9/median(nanos[1]), "bare/s")
}

// turn returns how many nanoseconds a call takes, of all workers together.
func turn(b *testing.B, workers int, f call, next *atomic.Int64) float64 {
	b.Helper()
	var group sync.WaitGroup
	var calls atomic.Int64
	begun := time.Now()
	for worker := range workers {
		group.Go(func() {
			for time.Since(begun) < slice {
				if err := f(worker, int(next.Add(1))); err != nil {
					b.Error(err)
					return
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return float64(time.Since(begun)) / float64(calls.Load())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// table is a store, and a pool of connections of its own for bare statements on the same table.
type table struct {
	*pgstore.Store
	pool   *pgxpool.Pool // the store's
	bare   *pgxpool.Pool
	keys   string // the table's name
	schema string
}

func newTable(b testing.TB) *table {
	b.Helper()
	dsn, schema := pgtest.Schema(b)
	return newTableIn(b, dsn, schema)
}

func newTableIn(b testing.TB, dsn, schema string) *table {
	b.Helper()
	pools := [2]*pgxpool.Pool{} // the store's, and that of bare statements: the same kind
	for i := range pools {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			b.Fatal(err)
		}
		config.MaxConns = many
		if pools[i], err = pgxpool.NewWithConfig(b.Context(), config); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(pools[i].Close)
	}
	s, err := pgstore.New(b.Context(), pools[0], &pgstore.Options{Schema: schema, Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return &table{s, pools[0], pools[1], schema + ".apikey_keys", schema}
}
