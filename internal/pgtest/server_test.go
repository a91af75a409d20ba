package pgtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

func exec(t *testing.T, dsn, sql string) error {
	t.Helper()
	_, err := connect(t, dsn).Exec(t.Context(), sql)
	return err
}

func mustExec(t *testing.T, dsn, sql string) {
	t.Helper()
	if err := exec(t, dsn, sql); err != nil {
		t.Fatal(err)
	}
}

// number returns what a query finds.
func number(t *testing.T, dsn, sql string) (n int) {
	t.Helper()
	if err := connect(t, dsn).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A server comes back with what was committed, under the same DSN, however it was stopped.
func TestServer(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t, "max_connections=19")
	mustExec(t, server.DSN(), "create table t as select setting::int as n from pg_settings where name = 'max_connections'")
	dsn := server.DSN()
	for name, stop := range map[string]func(testing.TB){"Stop": server.Stop, "StopFast": server.StopFast} {
		conn := connect(t, dsn)
		wantOne(t, conn, "before "+name)
		stop(t)
		stop(t) // does nothing
		if err := one(t, conn); err == nil {
			t.Errorf("after %s it answers", name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := pgx.Connect(ctx, dsn); err == nil || ctx.Err() != nil {
			t.Errorf("after %s: %v", name, err)
		}
		server.Start(t)
		server.Start(t) // does nothing
		if n := number(t, server.DSN(), "select n from t"); n != 19 || server.DSN() != dsn {
			t.Errorf("after %s it has %d", name, n)
		}
	}
}

// Through a proxy a server may be stopped without a client's knowledge, and its socket be a unix socket.
func TestProxyOfASocket(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	var folder, port string
	err := connect(t, server.DSN()).QueryRow(t.Context(), "select current_setting('unix_socket_directories'), current_setting('port')").Scan(&folder, &port)
	if err != nil {
		t.Fatal(err)
	}
	for _, dsn := range []string{"postgres://postgres@/postgres?host=" + folder + "&port=" + port, "user=postgres dbname=postgres host=" + folder + " port=" + port} {
		proxy := pgtest.NewProxy(t, dsn)
		wantOne(t, connect(t, proxy.DSN()), dsn)
		server.Stop(t)
		proxy.Swallow(true)
		wantSilence(t, "a server that is not there", func(ctx context.Context) error {
			_, err := pgx.Connect(ctx, proxy.DSN())
			return err
		})
		proxy.Swallow(false)
		server.Start(t)
		wantOne(t, connect(t, proxy.DSN()), dsn)
	}
}

// A standby follows, refuses writes, and takes them after it is promoted.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewServer(t)
	mustExec(t, primary.DSN(), "create table t (n int)")
	standby := primary.Standby(t)
	mustExec(t, primary.DSN(), "insert into t values (7)")
	standby.CatchUp(t)
	if n := number(t, standby.DSN(), "select n from t"); n != 7 {
		t.Errorf("it has %d", n)
	}
	if code := codeOf(exec(t, standby.DSN(), "insert into t values (8)")); code != "25006" {
		t.Errorf("a write is answered with %q", code)
	}
	standby.Stop(t)
	mustExec(t, primary.DSN(), "insert into t values (9)")
	standby.Start(t)
	standby.CatchUp(t)
	primary.Stop(t)
	if n := number(t, standby.DSN(), "select sum(n) from t"); n != 16 {
		t.Errorf("without its primary it has %d", n)
	}
	standby.Promote(t)
	mustExec(t, standby.DSN(), "insert into t values (10)")
	primary.Start(t)
	if n := number(t, primary.DSN(), "select sum(n) from t"); n != 16 {
		t.Errorf("the old primary has %d", n)
	}
}
