package pgstore_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// What needs a server of the test's own shares one.
func TestOwnServer(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewServer(t)
	if err := pgstore.Migrate(t.Context(), newPool(t, primary.DSN(), nil), nil); err != nil {
		t.Fatal(err)
	}
	standby := primary.Standby(t)
	t.Run("password", func(t *testing.T) { testPassword(t, primary.DSN()) })
	t.Run("standby", func(t *testing.T) { testStandby(t, primary.DSN(), standby.DSN()) })
	t.Run("from primary to standby", func(t *testing.T) { testDemoted(t, primary, standby) })
}

func testPassword(t *testing.T, dsn string) {
	run(t, dsn, "CREATE ROLE app LOGIN PASSWORD 'right hunter' IN ROLE pg_read_all_data, pg_write_all_data")
	file := ask[string](t, dsn, "SHOW hba_file")
	rules, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rules = append([]byte("host all app 127.0.0.1/32 scram-sha-256\nhost all closed 127.0.0.1/32 reject\n"), rules...)
	if err := os.WriteFile(file, rules, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dsn, "SELECT pg_reload_conf()")
	// The postmaster reads them in its own time, and a connection that is refused says that it has.
	for deadline := time.Now().Add(time.Minute); ; {
		c, err := pgx.Connect(t.Context(), with(t, dsn, "user", "closed"))
		if err != nil && strings.Contains(err.Error(), "pg_hba") {
			break
		}
		if err == nil {
			c.Close(t.Context())
		}
		if time.Now().After(deadline) {
			t.Fatal("the rules are not read", err)
		}
	}
	for _, test := range []struct{ name, user, password, says string }{
		{"wrong", "app", "wrong hunter", "password authentication failed"},
		{"none", "app", "", "password authentication failed"},
		{"a role that may not connect", "closed", "wrong hunter", "pg_hba"},
	} {
		s, err := pgstore.Open(t.Context(), with(t, dsn, "user", test.user, "password", test.password), nil)
		wantRefused(t, s, err, nil, test.says, "hunter")
	}
	s, err := pgstore.Open(t.Context(), with(t, dsn, "user", "app", "password", "right hunter"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func testStandby(t *testing.T, primary, standby string) {
	for _, migrate := range []bool{false, true} {
		opts := &pgstore.Options{Migrate: migrate}
		for _, dsn := range []string{standby, with(t, standby, "target_session_attrs", "any"), with(t, standby, "target_session_attrs", "standby")} {
			s, err := pgstore.Open(t.Context(), dsn, opts)
			wantRefused(t, s, err, pgstore.ErrStandby, "connect to the primary")
		}
		s, err := pgstore.Open(t.Context(), with(t, standby, "target_session_attrs", "read-write"), opts)
		wantRefused(t, s, err, nil, "read only") // says pgx
		s, err = pgstore.New(t.Context(), newPool(t, standby, nil), opts)
		wantRefused(t, s, err, pgstore.ErrStandby, "connect to the primary")
	}
	// Of several servers the primary is taken, in whatever order they come.
	a, b := port(t, standby), port(t, primary)
	for _, ports := range []string{a + "," + b, b + "," + a} {
		s, err := pgstore.Open(t.Context(), "host=127.0.0.1,127.0.0.1 port="+ports+" user=postgres dbname=postgres sslmode=disable", nil)
		if err != nil {
			t.Errorf("with a standby and a primary: %v; else a service is down while its primary is up", err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func port(t *testing.T, dsn string) string { return ask[string](t, dsn, "SHOW port") }

// testDemoted: connections that were to the primary are to a standby now, as behind an address that moves. Nothing
// that it says is an answer, and no watcher is told that it has heard of everything.
func testDemoted(t *testing.T, primary, standby *pgtest.Server) {
	var moved atomic.Bool
	to, err := pgx.ParseConfig(standby.DSN())
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, primary.DSN(), func(c *pgxpool.Config) {
		c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
			if moved.Load() {
				c.Host, c.Port, c.Fallbacks = to.Host, to.Port, nil
			}
			return nil
		}
	})
	log := make(warned, 1)
	s := on(t, pool, pgstore.Options{Logger: slog.New(log)})
	r, absent := put(t, s, 1, nil), sample(2)
	if err := s.SwapValue(t.Context(), "v", nil, []byte("v")); err != nil {
		t.Fatal(err)
	}
	standby.CatchUp(t)
	moved.Store(true)
	pool.Reset()
	w := newWatcher()
	defer s.Watch(w.tell)()
	for _, call := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"Get", func(ctx context.Context) error { _, err := s.Get(ctx, r.ID); return err }},
		{"Get of none", func(ctx context.Context) error { _, err := s.Get(ctx, absent.ID); return err }},
		{"List", func(ctx context.Context) error {
			_, _, err := s.List(ctx, apikey.Filter{}, apikey.ID{}, 10)
			return err
		}},
		{"List of none", func(ctx context.Context) error {
			_, _, err := s.List(ctx, apikey.Filter{Subject: "none"}, apikey.ID{}, 10)
			return err
		}},
		{"Count", func(ctx context.Context) error { _, err := s.Count(ctx, apikey.Filter{}); return err }},
		{"Value", func(ctx context.Context) error { _, err := s.Value(ctx, "v"); return err }},
		{"Value of none", func(ctx context.Context) error { _, err := s.Value(ctx, "none"); return err }},
		{"SwapValue of none", func(ctx context.Context) error { return s.SwapValue(ctx, "none", nil, nil) }},
		{"Changes", func(ctx context.Context) error { _, err := s.Changes(ctx, time.Hour); return err }},
	} {
		if err := call.do(t.Context()); !errors.Is(err, pgstore.ErrStandby) {
			t.Errorf("%s from a standby answered %v, want ErrStandby; else a revoked key is valid until the standby has caught up", call.name, err)
		}
	}
	for name, err := range map[string]error{
		"Create":    s.Create(t.Context(), absent),
		"Replace":   s.Replace(t.Context(), r),
		"Delete":    s.Delete(t.Context(), r.ID),
		"RecordUse": s.RecordUse(t.Context(), []apikey.Use{{ID: r.ID, Number: 1, At: instant(9)}}),
		"SwapValue": s.SwapValue(t.Context(), "v", []byte("v"), []byte("w")),
	} {
		if err == nil || errors.Is(err, apikey.ErrConflict) || errors.Is(err, apikey.ErrNotFound) || errors.Is(err, apikey.ErrExists) {
			t.Errorf("%s on a standby answered %v, want an error that is no answer", name, err)
		}
	}
	if text := <-log; !strings.Contains(text, "WARN") || !strings.Contains(text, "standby") {
		t.Errorf("the log says %q", text)
	}
	for _, c := range w.told() {
		if !c.Fresh.IsZero() {
			t.Errorf("a watcher was told %+v; else what a standby does not know yet is taken for unchanged", c)
		}
	}
	moved.Store(false)
	pool.Reset()
	w.awaitFresh(t)
	if _, err := s.Get(t.Context(), r.ID); err != nil {
		t.Errorf("back at the primary: %v", err)
	}
	if _, err := s.Get(t.Context(), absent.ID); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("control: at the primary it answers %v", err)
	}
}
