package examples_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// TestCluster runs examples/cluster: no process accepts a revoked key after the bound.
func TestCluster(t *testing.T) {
	t.Parallel()
	dsn := "APIKEY_STORE=" + pgtest.DSN(t)
	binary := build(t, "cluster")
	for name, c := range map[string]struct {
		bound string
		flags []string
	}{
		// By polls alone, 50 revocations that wait for each other would take longer than command lets it run.
		"listen":      {"9s", []string{"-wait", "-poll", "4s", "-staleness", "9s"}},
		"poll":        {"1s", []string{"-listen=false"}},
		"one process": {"1s", []string{"-verifiers", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := ended(t, binary, []string{dsn}, append(c.flags, "-revocations", "50", "-every", "5ms")...) // which leaves something of the machine to other tests
			if code != 0 || stderr != "" || !strings.Contains(stdout, "\n50 revocations, ") ||
				!strings.HasSuffix(stdout, "\nacceptances that began after the bound of "+c.bound+": 0\n") {
				t.Errorf("code %d, %q, printed\n%s", code, stderr, stdout)
			}
			wantNoSchema(t, stdout)
		})
	}
	t.Run("refused start", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			env, flag string
			code      int
			says      string
		}{
			{"", "-listen", 1, "docker run"},
			{"APIKEY_STORE=postgres://u:secret@127.0.0.1:1/x", "-listen", 1, "pgstore: connect"},
			{dsn, "-poll=1ms", 1, "pgstore: Poll"},
			{dsn, "-staleness=500ms", 1, "invalid MaxStaleness"},
			{dsn, "-verifiers=0", 2, "above zero"},
			{dsn, "verifier ", 2, "no other arguments"},
		} {
			code, _, stderr := ended(t, binary, []string{c.env}, c.flag)
			if code != c.code || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "secret") {
				t.Errorf("%s: code %d, %q", c.flag, code, stderr)
			}
		}
	})
	t.Run("nobody reads", func(t *testing.T) {
		t.Parallel()
		clusterUnread(t, command(t, binary, []string{dsn}, "-revocations", "50", "-every", "5ms"))
	})
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, os.Kill} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			if s == syscall.SIGHUP && signal.Ignored(s) {
				t.Skip("SKIPPED: the tests run under nohup, and so does the program: run them without it")
			}
			clusterEnded(t, command(t, binary, []string{dsn}, "-revocations", "1000000"), s)
		})
	}
}

// clusterEnded ends the program while it works. The pipe of what is logged is also that of its verifiers: when nothing more comes
// out of it, all of them have ended.
func clusterEnded(t *testing.T, cmd *exec.Cmd, signal os.Signal) {
	var logged strings.Builder
	cmd.Stderr = &logged
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n') // all verifiers are there
	if err != nil {
		err := errors.Join(err, cmd.Wait())
		t.Fatalf("%v: %s", err, logged.String())
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	rest, _ := io.ReadAll(lines)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || signal != os.Kill && exit.ExitCode() != 1 || len(rest) > 0 {
		t.Errorf("%v, %s, printed %q", err, logged.String(), rest)
	}
	if signal == os.Kill { // it could not drop it
		execSQL(t, "DROP SCHEMA "+schemaOf(t, first)+" CASCADE")
		return
	}
	wantNoSchema(t, first)
}

// clusterUnread reads the first line alone, as head does.
func clusterUnread(t *testing.T, cmd *exec.Cmd) {
	var logged strings.Builder
	cmd.Stderr = &logged
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReader(out).ReadString('\n')
	if err := errors.Join(err, out.Close()); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(logged.String(), "broken pipe") {
		t.Errorf("%v, %s", err, logged.String())
	}
	wantNoSchema(t, first)
}

// schemaOf returns the schema that was printed.
func schemaOf(t *testing.T, printed string) string {
	t.Helper()
	found := regexp.MustCompile(`schema (apikey_cluster_[a-z0-9]+),`).FindStringSubmatch(printed)
	if found == nil {
		t.Fatalf("no schema in %q", printed)
	}
	return found[1]
}

// wantNoSchema makes it, which fails if it is there.
func wantNoSchema(t *testing.T, printed string) {
	t.Helper()
	schema := schemaOf(t, printed)
	execSQL(t, "CREATE SCHEMA "+schema+"; DROP SCHEMA "+schema)
}

func execSQL(t *testing.T, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, pgtest.DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		t.Error(err)
	}
}
