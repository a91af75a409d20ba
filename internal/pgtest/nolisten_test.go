package pgtest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

func TestNoListen(t *testing.T) {
	t.Parallel()
	const syntax, noFunction = "42601", "42883"
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	conn := connect(t, proxy.DSN())
	cases := []struct {
		sql, code string
		args      [][]byte
	}{
		{"listen apikey_test", syntax, nil},
		{" -- why\n/* not */ LISTEN apikey_test", syntax, nil},
		{"unlisten *", syntax, nil},
		{"Notify apikey_test, 'x'", syntax, nil},
		{"select 1; listen apikey_test", syntax, nil},
		{"select pg_notify('apikey_test', 'x')", noFunction, nil},
		{"select PG_NOTIFY($1, $2)", noFunction, [][]byte{[]byte("apikey_test"), []byte("x")}},
		{"select count(*) from pg_class, pg_catalog.pg_notify('a', $1)", noFunction, [][]byte{[]byte("x")}},
		{"select 'listen', 1 as notify", "", nil},
		{"select $1::text as listen", "", [][]byte{[]byte("pg_notify")}},
	}
	wantCodes := func(when string, known bool) {
		t.Helper()
		for _, c := range cases {
			want := c.code
			if known {
				want = ""
			}
			check := func(protocol string, err error) {
				t.Helper()
				if code := codeOf(err); code != want || (err == nil) != (want == "") {
					t.Errorf("%s, %s, %s: %v, want code %q", when, c.sql, protocol, err, want)
				}
				wantOne(t, conn, "after "+c.sql)
			}
			if c.args == nil {
				_, err := conn.PgConn().Exec(t.Context(), c.sql).ReadAll()
				check("simple", err)
			}
			if !strings.Contains(c.sql, ";") {
				check("extended", conn.PgConn().ExecParams(t.Context(), c.sql, c.args, nil, nil, nil).Read().Err)
			}
		}
	}
	wantCodes("control", true)
	proxy.NoListen()
	wantCodes("without", false)
	conn = connect(t, proxy.DSN())
	wantCodes("without, on a new connection", false)
}

// The messages of a pipeline stay apart.
func TestNoListenInABatch(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	proxy.NoListen()
	conn := connect(t, proxy.DSN())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var batch pgx.Batch
	batch.Queue("select 1")
	batch.Queue("select pg_notify('apikey_test', $1)", "x")
	if code := codeOf(conn.SendBatch(ctx, &batch).Close()); code != "42883" {
		t.Errorf("it answers %q", code)
	}
	wantOne(t, conn, "afterwards")
}
