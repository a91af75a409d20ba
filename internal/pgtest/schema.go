package pgtest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Schema returns DSN and the name of a schema that does not exist yet. If the test makes it, it is dropped at the end
// with all that is in it. Close what was opened there in a Cleanup of the test: a transaction that is left open would
// keep it from being dropped.
func Schema(t testing.TB) (dsn, schema string) {
	t.Helper()
	dsn = DSN(t)
	schema = "apikey_test_" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		if err := drop(t, dsn, schema); err != nil {
			t.Errorf("schema %s is left behind: %v", schema, err)
		}
	})
	return dsn, schema
}

// drop uses a connection of its own: those of the test may be in any state.
func drop(t testing.TB, dsn, schema string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "set client_min_messages = warning; drop schema if exists "+schema+" cascade", pgx.QueryExecModeSimpleProtocol)
	return err
}
