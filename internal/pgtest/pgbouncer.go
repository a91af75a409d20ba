package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// PgBouncer starts a PgBouncer before the server of a DSN and returns the DSN of what it pools: a client has a
// connection of the server's for one transaction, and nothing that it has set, prepared, locked or listens to is there in
// the next. Settings are lines of the section [pgbouncer], like "default_pool_size=2". PgBouncer ends with the test,
// which is skipped if it is not installed.
//
// Before 1.21, and Debian 12 has 1.18, it does not know of prepared statements: make queries with pgx in the mode
// exec or simple_protocol, as default_query_exec_mode says in a DSN. It refuses who sets more than a few well-known
// parameters as it connects, unless ignore_startup_parameters names them.
func PgBouncer(t testing.TB, dsn string, settings ...string) (pooled string) {
	t.Helper()
	binary := pgBouncer(t)
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	if pooled, err = redirect(dsn, port); err != nil {
		t.Fatal(err)
	}
	account := unprivileged(t)
	folder := account.folder(t)
	server := fmt.Sprintf("* = host=%s port=%d user=%s", quoted(config.Host), config.Port, quoted(config.User))
	if config.Password != "" { // it may not be empty
		server += " password=" + quoted(config.Password)
	}
	lines := append([]string{
		"[databases]", server,
		"[pgbouncer]",
		"listen_addr = 127.0.0.1",
		fmt.Sprintf("listen_port = %d", port),
		"unix_socket_dir = " + folder,
		"auth_type = any",
		"pool_mode = transaction",
	}, settings...)
	file := filepath.Join(folder, "pgbouncer.ini")
	// 0644: another account reads it. The folder is not open to a third.
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	process := account.start(t, folder, binary, file)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("PgBouncer said\n%s", process.tail())
		}
		process.stop(t, syscall.SIGKILL) // others wait for clients, in some versions
	})
	process.await(t, pooled)
	return pooled
}

// pgBouncer finds the program.
func pgBouncer(t testing.TB) string {
	t.Helper()
	DSN(t)
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no PgBouncer: apt-get install pgbouncer")
	return ""
}

// quoted is a value of a connection string, as PgBouncer reads it.
func quoted(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
