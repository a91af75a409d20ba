package pgstore_test

import (
	"fmt"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// The first of two hosts is silent: it takes connections and says nothing. The feed gets past it, as the pool does.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	to := config.ConnConfig
	hosts := fmt.Sprintf("host=127.0.0.1,%s port=%d,%d user=%s dbname=%s", to.Host, silent.Addr().(*net.TCPAddr).Port, to.Port, to.User, to.Database)
	s, err := pgstore.Open(t.Context(), hosts, &pgstore.Options{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	told := watch(t, s)
	told.until(t, "what others change, past a silent host", anyFresh)
}

// While changes wait for others, keys can be read.
func TestChangesThatWait(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.openAt(with(t, p.dsn, "pool_max_conns", "4"), pgstore.Options{})
	createKeys(t, s, 0, 9)
	lock, err := p.connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "select from apikey_feed for update"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 8)
	for n := range cap(done) {
		go func() { done <- s.Delete(t.Context(), keyID(n)) }()
	}
	waitFor(t, "changes wait", func() bool {
		return p.number(`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%"'||current_schema||'".apikey_feed%'`) >= 2
	})
	for range 20 {
		if _, err := s.Get(t.Context(), keyID(8)); err != nil {
			t.Fatalf("Get: %v; else nobody gets in while changes wait", err)
		}
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A session that has forgotten what was prepared in it, as behind some poolers, is told again.
func TestForgottenStatements(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	pool := newPool(t, dsn, func(c *pgxpool.Config) { c.MaxConns = 1 })
	s := on(t, pool, pgstore.Options{Schema: schema, NoListen: true})
	r := put(t, s, 1, nil)
	for range 2 {
		for what, call := range map[string]func() error{
			"Replace": func() error { return s.Replace(t.Context(), r) },
			"Get":     func() error { _, err := s.Get(t.Context(), r.ID); return err },
			"List": func() error {
				_, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 10)
				return err
			},
		} {
			if _, err := pool.Exec(t.Context(), "DEALLOCATE ALL"); err != nil {
				t.Fatal(err)
			}
			if err := call(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			var err error
			if r, err = s.Get(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}
