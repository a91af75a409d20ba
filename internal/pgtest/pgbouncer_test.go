package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// Two clients share one connection of the server's.
func TestPgBouncer(t *testing.T) {
	t.Parallel()
	dsn := pgtest.PgBouncer(t, pgtest.DSN(t), "default_pool_size=1")
	pid := func(conn *pgx.Conn, mode pgx.QueryExecMode) (pid int) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err := conn.QueryRow(ctx, "select pg_backend_pid() + $1::int", mode, 0).Scan(&pid)
		if err != nil {
			t.Fatal(err)
		}
		return pid
	}
	one, other := connect(t, dsn), connect(t, dsn)
	if a, b := pid(one, pgx.QueryExecModeExec), pid(other, pgx.QueryExecModeSimpleProtocol); a != b || a == 0 {
		t.Errorf("they are served by the processes %d and %d", a, b)
	}
}
