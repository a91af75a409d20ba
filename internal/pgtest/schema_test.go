package pgtest_test

import (
	"regexp"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	var used, unused string
	conn := connect(t, pgtest.DSN(t))
	count := func() (n int) {
		if err := conn.QueryRow(t.Context(), "select count(*) from pg_namespace where nspname in ($1, $2)", used, unused).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Run("use", func(t *testing.T) {
		var dsn string
		dsn, used = pgtest.Schema(t)
		_, unused = pgtest.Schema(t)
		if used == unused || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(used) {
			t.Errorf("the names are %q and %q", used, unused)
		}
		if n := count(); n != 0 {
			t.Errorf("%d of them are there", n)
		}
		if _, err := connect(t, dsn).Exec(t.Context(), "create schema "+used+" create table t (n int)"); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 1 {
			t.Errorf("%d of them are there, want 1", n)
		}
	})
	if n := count(); n != 0 {
		t.Errorf("%d of them are left", n)
	}
}
