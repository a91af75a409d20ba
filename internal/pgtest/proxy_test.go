package pgtest_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
)

// connect opens a connection that is closed at the end, whatever state it is in.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		conn.Close(ctx)
	})
	return conn
}

// one asks the server for something.
func one(t *testing.T, conn *pgx.Conn) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var n int
	err := conn.QueryRow(ctx, "select $1::int", 1).Scan(&n)
	if err == nil && n != 1 {
		t.Errorf("it answers %d", n)
	}
	return err
}

func wantOne(t *testing.T, conn *pgx.Conn, when string) {
	t.Helper()
	if err := one(t, conn); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

// wantSilence fails t unless f is still waiting for an answer after a while.
func wantSilence(t *testing.T, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := f(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v, want silence", what, err)
	}
}

func TestProxyCarries(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	conn := connect(t, proxy.DSN())
	wantOne(t, conn, "through the proxy")
	// More than any buffer holds, in both directions.
	long := make([]byte, 3<<20)
	var back []byte
	if err := conn.QueryRow(t.Context(), "select $1::bytea", long).Scan(&back); err != nil || len(back) != len(long) {
		t.Errorf("%d bytes, %v", len(back), err)
	}
	// What a server says at its end arrives.
	_, err := conn.Exec(t.Context(), "select pg_terminate_backend(pg_backend_pid())")
	if code := codeOf(err); code != "57P01" {
		t.Errorf("at the end: %q, %v", code, err)
	}
	// A client that asks for TLS is told that there is none.
	wantOne(t, connect(t, strings.Replace(proxy.DSN(), "sslmode=disable", "sslmode=prefer", 1)), "without sslmode=disable")
}

// The request to cancel a query is a connection of its own.
func TestProxyCarriesCancelRequests(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.NewProxy(t, pgtest.DSN(t)).DSN())
	ended := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "select pg_sleep(60)")
		ended <- err
	}()
	until(t, "the query is canceled", func() bool {
		if err := conn.PgConn().CancelRequest(t.Context()); err != nil { // which may come before the query
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if code := codeOf(err); code != "57014" {
				t.Errorf("it ended with %q, %v", code, err)
			}
			return true
		default:
			return false
		}
	})
}

// A client does not find out that a black hole is one, nor does the server.
func TestSwallow(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	proxy := pgtest.NewProxy(t, dsn)
	lost, idle, holder := connect(t, proxy.DSN()), connect(t, proxy.DSN()), connect(t, proxy.DSN())
	var pid uint32
	if err := holder.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid); err != nil {
		t.Fatal(err)
	}
	proxy.Swallow(true)
	wantSilence(t, "a query", func(ctx context.Context) error { _, err := lost.Exec(ctx, "select 1"); return err })
	wantSilence(t, "a new connection", func(ctx context.Context) error {
		_, err := pgx.Connect(ctx, proxy.DSN())
		return err
	})
	if err := holder.PgConn().Conn().Close(); err != nil {
		t.Fatal(err)
	}
	var there bool
	direct := connect(t, dsn)
	find := func() error {
		return direct.QueryRow(t.Context(), "select exists (select from pg_stat_activity where pid = $1)", pid).Scan(&there)
	}
	if err := find(); err != nil || !there {
		t.Errorf("the server knows that a client is gone: %v", err)
	}
	proxy.Swallow(false)
	wantOne(t, idle, "which has lost nothing")
	wantOne(t, connect(t, proxy.DSN()), "a new one")
	proxy.Cut()
	until(t, "the server notices the cut", func() bool { return find() != nil || !there })
}

// What was lost does not come back.
func TestSwallowedForEver(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	conn := connect(t, proxy.DSN()).PgConn().Conn()
	proxy.Swallow(true)
	query := []byte("Q\x00\x00\x00\x0dselect 1\x00")
	if _, err := conn.Write(query); err != nil {
		t.Fatal(err)
	}
	silent := func(when string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %d bytes, %v", when, n, err)
		}
	}
	silent("swallowed")
	proxy.Swallow(false)
	if _, err := conn.Write(query); err != nil {
		t.Fatal(err)
	}
	silent("after it")
}

func TestCut(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	conn := connect(t, proxy.DSN())
	wantOne(t, conn, "before")
	proxy.Cut()
	if err := one(t, conn); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cut connection: %v", err)
	}
	wantOne(t, connect(t, proxy.DSN()), "a new one")
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, pgtest.DSN(t))
	conn := connect(t, proxy.DSN())
	proxy.Refuse(true)
	wantOne(t, conn, "one from before")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := pgx.Connect(ctx, proxy.DSN()); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new connection: %v", err)
	}
	proxy.Refuse(false)
	wantOne(t, connect(t, proxy.DSN()), "a new one after it")
}

func codeOf(err error) string {
	var answer *pgconn.PgError
	errors.As(err, &answer)
	if answer == nil {
		return ""
	}
	return answer.Code
}

// until waits for something that takes a while.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("it does not happen: %s", what)
		case <-tick.C:
		}
	}
}
