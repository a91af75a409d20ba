package pgtest

import (
	"context"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Standby copies the running server to another that follows it and takes reads alone, until it is promoted. It ends
// with the test. While the primary is stopped it goes on, with what it knows.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	standby := prepare(t)
	standby.primary = s
	// -R: as one that follows.
	s.account.run(t, standby.folder, s.program("pg_basebackup"), "-D", standby.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync",
		"-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-U", "postgres", "-w")
	standby.Start(t)
	return standby
}

// Promote makes a standby a server of its own, which takes writes, and waits until it does. What its primary has and
// it has not yet read is lost to it: see CatchUp.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	var promoted bool
	s.query(t, "select pg_promote(true, 60)", nil, &promoted)
	if !promoted {
		t.Fatal("it cannot be promoted")
	}
}

// CatchUp waits until a standby shows all that its running primary has committed.
func (s *Server) CatchUp(t testing.TB) {
	t.Helper()
	var position string
	s.primary.query(t, "select pg_current_wal_lsn()::text", nil, &position)
	shown := func(context.Context) bool {
		var is bool
		s.query(t, "select coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false)", []any{position}, &is)
		return is
	}
	if !s.process.poll(t, shown) {
		t.Fatal("it does not catch up")
	}
}

// query asks for one value.
func (s *Server) query(t testing.TB, sql string, args []any, value any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, sql, args...).Scan(value); err != nil {
		t.Fatal(err)
	}
}
