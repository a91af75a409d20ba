// Package pgtest gives tests a PostgreSQL, and puts between them and it what can go wrong there.
//
// [DSN] and [Schema] use the server that APIKEY_TEST_POSTGRES names, which tests share. [NewServer] starts one of
// the test's own, to be stopped, started, copied and promoted. A [Proxy] cuts connections, refuses them or lets
// them go silent, and [PgBouncer] shares them out by the transaction.
//
// Where there is no PostgreSQL, tests are skipped; APIKEY_REQUIRE_POSTGRES=1 makes them fail.
//
// A run that is killed leaves behind what no test could end: folders pgtest* in /tmp or TMPDIR, to be removed, and at the server that is shared schemas,
// databases and roles named apikey_test_*, to be dropped with DROP SCHEMA … CASCADE, DROP DATABASE, and DROP OWNED BY and DROP ROLE.
package pgtest

import (
	"os"
	"testing"
)

// DSN returns the value of APIKEY_TEST_POSTGRES, which tells how a superuser connects to a running server. The test
// is skipped if it is not set.
func DSN(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("APIKEY_TEST_POSTGRES")
	if dsn == "" {
		missing(t, "no PostgreSQL: docker run -d -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres:15, "+
			"then APIKEY_TEST_POSTGRES=postgres://postgres@127.0.0.1:5432/postgres")
	}
	return dsn
}

// missing ends a test that this machine cannot run.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("APIKEY_REQUIRE_POSTGRES") == "1" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what + "; APIKEY_REQUIRE_POSTGRES=1 makes this a failure")
}
