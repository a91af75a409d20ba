package modeltest_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

const (
	// So short that a history of a fraction of a second goes beyond the bound several times.
	shortPoll  = 20 * time.Millisecond
	shortBound = 60 * time.Millisecond
	// poolSize lets three pools, and whoever else uses the server, find room on it.
	poolSize = 4
)

// opener opens a store for one process; the test closes it when it ends.
type opener func(t *testing.T, dsn string, options *pgstore.Options) apikey.Store

// threeProcesses open the same keys in PostgreSQL, each as a process of its own would: nothing leads from one to
// another but the database. They live as long as the test, and serve many histories.
func threeProcesses(t *testing.T, open opener) *world {
	t.Helper()
	dsn, schema := pgtest.Schema(t)
	keyring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, staleness: shortBound, real: true}
	for _, verifiers := range [][]apikey.VerifierOptions{
		{{CacheBytes: 1 << 20}},
		{{CacheBytes: 1 << 20}, tight},
		{{CacheBytes: 1 << 20, Keyring: keyring}}, // it writes, too
	} {
		p := &process{store: open(t, dsn, &pgstore.Options{Schema: schema, Migrate: true, Poll: shortPoll})}
		w.issuer(p)
		for _, options := range verifiers {
			w.verifier(p, options)
		}
		w.processes = append(w.processes, p)
	}
	t.Cleanup(w.close)
	return w
}

// openStore opens a store as programs do. reroute, if there is one, changes where its connections lead that are made
// when those of its pool are there: so that of what others change.
func openStore(t *testing.T, dsn string, options *pgstore.Options, reroute func(*pgx.ConnConfig)) *pgstore.Store {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = poolSize
	var full atomic.Bool
	config.BeforeConnect = func(_ context.Context, to *pgx.ConnConfig) error {
		if full.Load() && reroute != nil {
			reroute(to)
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	fill(t, pool)
	full.Store(true)
	s, err := pgstore.New(t.Context(), pool, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill has a pool make all its connections.
func fill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for range pool.Config().MaxConns {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
	}
}

// listening is the usual store: word of a change comes at once, if nothing is lost.
func listening(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	return openStore(t, dsn, options, nil)
}

// polling has to find out by itself.
func polling(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	options.NoListen = true
	return openStore(t, dsn, options, nil)
}
