package pgstore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// A read is tried again where that helps, and not for ever.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &Store{pool: pool}
	refused := &pgconn.PgError{Code: noPrivilege}
	dead := errors.New("a connection that was idle as the server was started anew")
	for _, test := range []struct {
		name     string
		err      error // of the first tries
		failures int
		tries    int // that are wanted
		fails    bool
	}{
		{"at once", nil, 0, 1, false},
		{"a dead connection", dead, 2, 3, false},
		{"dead connections alone", dead, 1000, maxDead, true},
		{"refused", refused, 1000, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			tries := 0
			err := s.read(t.Context(), time.Minute, func(_ context.Context, c *pgx.Conn) error {
				tries++
				if tries > test.failures {
					return nil
				}
				if test.err == dead {
					c.PgConn().Conn().Close()
					_ = c.Ping(t.Context()) // which finds out
				}
				return test.err
			})
			if tries != test.tries || test.fails != (err != nil) || test.fails && !errors.Is(err, test.err) {
				t.Errorf("after %d tries it answers %v, want %d; else a key can't be verified since others are at work, or a caller waits for good", tries, err, test.tries)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	_ = s.read(ctx, time.Minute, func(_ context.Context, c *pgx.Conn) error {
		tries++
		c.PgConn().Conn().Close()
		_ = c.Ping(t.Context())
		cancel()
		return dead
	})
	if tries != 1 {
		t.Errorf("after its context has ended it is tried %d times", tries)
	}
}
