package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// listener is a connection of its own, beside the pool: a pool that is used up must not keep a revocation from being seen.
type listener struct {
	conn *pgx.Conn
	told bool // something was changed
}

// connect makes a connection as the pool makes its own.
func (s *Store) connect(ctx context.Context) (*listener, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	config := s.pool.Config()
	to := config.ConnConfig
	l := new(listener)
	// A wait ends without costing the connection, whatever the pool has its own do then.
	to.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler { return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()} }
	to.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) { l.told = true }
	if config.BeforeConnect != nil {
		if err := config.BeforeConnect(ctx, to); err != nil {
			return nil, err
		}
	}
	var err error
	if l.conn, err = pgx.ConnectConfig(ctx, to); err != nil {
		return nil, err
	}
	if config.AfterConnect != nil {
		if err := config.AfterConnect(ctx, l.conn); err != nil {
			l.close()
			return nil, err
		}
	}
	if !s.options.NoListen {
		// A database that has no LISTEN says so, and is polled. So is one behind a pooler that swallows notifications.
		if _, err := l.conn.Exec(ctx, s.sql.listen, pgx.QueryExecModeSimpleProtocol); err != nil && code(err) == "" {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// wait returns when something was changed, after d, or when the connection has failed.
func (l *listener) wait(ctx context.Context, d time.Duration) error {
	if l.told || d <= 0 {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := l.conn.PgConn().WaitForNotification(ctx)
	if err != nil && ctx.Err() != nil && !l.conn.IsClosed() {
		return nil
	}
	return err
}

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
}

// hint says to others that there is something to see. It comes after the commit and apart from it: as a part of the
// transaction, NOTIFY makes all commits of the cluster that have one wait for each other, and where it fails, so does the
// change. What it is worth is the time until the others' next look; nothing depends on it.
func (s *Store) hint(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hints:
		}
		c, cancel := context.WithTimeout(ctx, lookTime) // soon it is worth nothing, but to cut it off costs a connection
		_, _ = s.pool.Exec(c, `SELECT pg_notify($1::text, '')`, s.sql.channel)
		cancel()
		pause(ctx, minPause) // what others change meanwhile is one hint, too
	}
}
