package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/seed-d3a9fb6b/apikey"
)

// listener is a connection of its own, beside the pool: a pool that is used up must not keep a revocation from being seen.
type listener struct {
	conn *pgx.Conn
	told bool // something was changed
}

// connect makes a connection as the pool makes its own.
func (s *Store) connect(ctx context.Context) (*listener, error) {
	config := s.pool.Config()
	to := config.ConnConfig
	// Each host has its time, or one that is silent would keep the next from being tried.
	hosts := time.Duration(1 + len(to.Fallbacks))
	ctx, cancel := context.WithTimeout(ctx, lookTime+hosts*max(to.ConnectTimeout, connectTime))
	defer cancel()
	l := new(listener)
	// A wait ends without costing the connection, whatever the pool has its own do then.
	to.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler { return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()} }
	to.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		l.told = true
		for _, id := range hinted(n.Payload) { // the look that follows would tell of them, too, but later
			s.watchers.Tell(apikey.Change{ID: id})
		}
	}
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

// wait returns at an instant, or earlier when something was changed, but not before it has paused, or when the connection has failed.
func (l *listener) wait(ctx context.Context, paused, until time.Time) error {
	for {
		end := until
		if l.told {
			end = paused
		}
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		c, cancel := context.WithTimeout(ctx, left)
		err := l.conn.PgConn().WaitForNotification(c)
		over := c.Err() != nil
		cancel()
		if err != nil && (!over || l.conn.IsClosed()) {
			return err
		}
	}
}

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx)
}
