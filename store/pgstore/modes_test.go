package pgstore_test

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// suites are those whose statements a mode may change.
type suites int

const (
	contract suites = 1 << iota
	watching
)

// wholeContract skips what runs all of storetest once more, unless it is CI that asks.
func wholeContract(t *testing.T) {
	t.Helper()
	if os.Getenv("APIKEY_REQUIRE_POSTGRES") != "1" {
		t.Skip("SKIPPED: takes long; APIKEY_REQUIRE_POSTGRES=1 runs it")
	}
}

// The contract holds however the database is reached and set.
func TestModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name  string
		reach func(t *testing.T, dsn string) string
		opts  pgstore.Options
		run   suites
		long  bool
	}{
		{"PgBouncer", func(t *testing.T, dsn string) string {
			return with(t, pgtest.PgBouncer(t, dsn, "default_pool_size=4"), "default_query_exec_mode", "exec")
		}, pgstore.Options{}, contract | watching, false},
		{"PgBouncer, simple protocol", func(t *testing.T, dsn string) string {
			return with(t, pgtest.PgBouncer(t, dsn, "default_pool_size=2"), "default_query_exec_mode", "simple_protocol")
		}, pgstore.Options{NoListen: true}, contract, true},
		{"no LISTEN", func(t *testing.T, dsn string) string {
			proxy := pgtest.NewProxy(t, dsn)
			proxy.NoListen()
			return proxy.DSN()
		}, pgstore.Options{}, watching, false},
		{"one connection", func(t *testing.T, dsn string) string {
			return with(t, dsn, "pool_max_conns", "1")
		}, pgstore.Options{NoListen: true}, contract, true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			if mode.long {
				wholeContract(t)
			}
			dsn, schema := migrated(t)
			reached := mode.reach(t, dsn)
			fresh := func(t *testing.T) apikey.Store {
				empty(t, dsn, schema)
				opts := mode.opts
				opts.Schema = schema
				s, err := pgstore.Open(t.Context(), reached, &opts)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return s
			}
			if mode.run&contract != 0 {
				storetest.Run(t, fresh)
			}
			if mode.run&watching != 0 {
				storetest.RunWatcher(t, fresh)
			}
		})
	}
}

// A change arrives at other stores however the database is reached: that of another store, and what a hand did.
func TestModesOfTheFeed(t *testing.T) {
	t.Parallel()
	for name, reach := range map[string]func(t *testing.T, dsn string) string{
		"PgBouncer": func(t *testing.T, dsn string) string {
			return with(t, pgtest.PgBouncer(t, dsn), "default_query_exec_mode", "exec")
		},
		"no LISTEN": func(t *testing.T, dsn string) string {
			proxy := pgtest.NewProxy(t, dsn)
			proxy.NoListen()
			return proxy.DSN()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			dsn = reach(t, dsn)
			one, other := on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema}), on(t, newPool(t, dsn, nil), pgstore.Options{Schema: schema})
			r := changed(t, one, 1)
			w := newWatcher()
			defer other.Watch(w.tell)()
			w.awaitFresh(t)
			if err := one.Replace(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			w.awaitFresh(t)
			w.await(t, "of a change through another store", isOf(r.ID))
		})
	}
}

// A pool of the caller's makes the connections, also that of the feed, and outlives the store.
func TestPoolOfTheCaller(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	var before, after atomic.Int32
	refuse := errors.New("the caller's own")
	var refused atomic.Bool
	pool := newPool(t, dsn, func(c *pgxpool.Config) {
		c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			c.RuntimeParams["application_name"] = schema
			before.Add(1)
			return nil
		}
		c.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
			after.Add(1)
			if refused.Load() {
				return refuse
			}
			_, err := c.Exec(ctx, "SET search_path TO pg_catalog")
			return err
		}
	})
	s := on(t, pool, pgstore.Options{Schema: schema, Poll: 10e6})
	put(t, s, 1, nil)
	pools := before.Load()
	w := newWatcher()
	stop := s.Watch(w.tell)
	w.awaitFresh(t)
	if before.Load() <= pools {
		t.Error("for the feed BeforeConnect was not called; else it has not the password that BeforeConnect fetches")
	}
	// The pool may be making one more of its own, too.
	waitFor(t, "AfterConnect is called as often as BeforeConnect", func() bool { return after.Load() == before.Load() })
	const listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND pid NOT IN (SELECT unnest($2::int[]))"
	var own []int32
	for _, c := range pool.AcquireAllIdle(t.Context()) {
		own = append(own, int32(c.Conn().PgConn().PID()))
		c.Release()
	}
	if n := ask[int](t, dsn, listening, schema, own); n == 0 {
		t.Error("what BeforeConnect sets is not there on the connection of the feed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("after Close of the store the caller's pool answers %v", err)
	}
	if _, err := s.Get(t.Context(), sampleID(1)); !errors.Is(err, pgstore.ErrClosed) {
		t.Errorf("Get after Close answered %v", err)
	}

	refused.Store(true)
	pool.Reset()
	again, err := pgstore.New(t.Context(), pool, &pgstore.Options{Schema: schema})
	if !errors.Is(err, refuse) {
		if err == nil {
			again.Close()
		}
		t.Errorf("where AfterConnect fails New answers %v", err)
	}
}

// A feed whose connection AfterConnect refuses says so, and is silent.
func TestFeedRefusedByThePool(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"BeforeConnect", "AfterConnect"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			var refused atomic.Value
			refused.Store("")
			pool := newPool(t, dsn, func(c *pgxpool.Config) {
				fail := func(here string) error {
					if refused.Load() == here {
						return errors.New("no ticket")
					}
					return nil
				}
				c.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { return fail("BeforeConnect") }
				c.AfterConnect = func(context.Context, *pgx.Conn) error { return fail("AfterConnect") }
			})
			log := make(warned, 1)
			s := on(t, pool, pgstore.Options{Schema: schema, Logger: slogOf(log)})
			refused.Store(where)
			w := newWatcher()
			defer s.Watch(w.tell)()
			if text := <-log; !containsAll(text, "WARN", "no ticket") {
				t.Errorf("the log says %q", text)
			}
			if told := w.told(); len(told) > 0 {
				t.Errorf("a watcher was told %+v by a feed that can't connect", told)
			}
			refused.Store("")
			w.awaitFresh(t)
			if text := <-log; !containsAll(text, "INFO", "again") {
				t.Errorf("afterwards the log says %q", text)
			}
		})
	}
}
