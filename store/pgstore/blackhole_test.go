package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// A context bounds Open, whatever does not answer, and an Open that fails leaves neither a goroutine nor a connection.
// Not in parallel: goroutines of other tests come and go.
func TestOpenGivesUp(t *testing.T) {
	dsn, schema := migrated(t)
	before := goleak.IgnoreCurrent()
	t.Run("before the server is reached", func(t *testing.T) {
		proxy := pgtest.NewProxy(t, dsn)
		proxy.Swallow(true)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		s, err := pgstore.Open(ctx, proxy.DSN(), &pgstore.Options{Schema: schema})
		wantRefused(t, s, err, context.DeadlineExceeded, "connect")
	})
	t.Run("while another migrates", func(t *testing.T) {
		c, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.WithoutCancel(t.Context()))
		for _, text := range []string{"BEGIN", "LOCK TABLE " + schema + ".apikey_schema"} {
			if _, err := c.Exec(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		s, err := pgstore.Open(ctx, dsn, &pgstore.Options{Schema: schema, Migrate: true})
		wantRefused(t, s, err, context.DeadlineExceeded, "")
	})
	t.Run("before it began", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, err := pgstore.Open(ctx, dsn, &pgstore.Options{Schema: schema, Migrate: true})
		wantRefused(t, s, err, context.Canceled, "")
	})
	t.Run("refused for its tables", func(t *testing.T) {
		s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: schema + "_missing"})
		wantRefused(t, s, err, pgstore.ErrNotMigrated, "")
	})
	t.Run("control: opened, watched and closed", func(t *testing.T) {
		s := open(t, dsn, schema)
		stop := s.Watch(newWatcher().tell)
		defer stop()
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	goleak.VerifyNone(t, before)
}
