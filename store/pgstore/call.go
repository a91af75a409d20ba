package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxDead is how many connections a read tries that turn out to be dead, as all are that were idle when the server was
// started anew. The pool itself looks at those that were idle for a second.
const maxDead = 3

// Where a network loses packets without a sign, whoever waits without a deadline would do so for good, and with him those who
// want the same key, and a connection that others need. So every statement has one.
const (
	oneTime  = lookTime    // for a read of one row
	manyTime = time.Minute // for one of many, and for a write, which may have to wait for others
)

// read calls f with a connection, and again with another one if that is dead, or has forgotten what was prepared.
func (s *Store) read(ctx context.Context, atMost time.Duration, f func(context.Context, *pgx.Conn) error) error {
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > atMost {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, atMost)
		defer cancel()
	}
	for try := 1; ; try++ {
		dead, err := s.with(ctx, f)
		if !dead && code(err) != unknownStatement || ctx.Err() != nil || try == maxDead {
			return err
		}
	}
}

func (s *Store) with(ctx context.Context, f func(context.Context, *pgx.Conn) error) (dead bool, err error) {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer c.Release()
	err = f(ctx, c.Conn())
	return c.Conn().IsClosed(), err
}

// patience is how long a write that has begun may go on after its context has ended. A statement that is cut off has an
// unknown outcome, and its connection is lost; nearly all end by themselves long before.
const patience = time.Second

// attempts bounds how often a statement is tried that the database has undone since others were at work at once.
const attempts = 10

// write executes one statement, which is a transaction of its own, and returns how many rows it wrote.
func (s *Store) write(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, manyTime)
	defer cancel()
	for try := 1; ; try++ {
		rows, err = s.writeOnce(ctx, sql, args)
		if err == nil || ctx.Err() != nil || try == attempts || !undone(err) {
			break
		}
		if rollback := new(pgconn.PgError); errors.As(err, &rollback) {
			pause(ctx, time.Duration(try)*time.Millisecond)
		}
	}
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return rows, err
}

func (s *Store) writeOnce(ctx context.Context, sql string, args []any) (int64, error) {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	lasting, cancel := outlast(ctx)
	defer cancel()
	tag, err := c.Exec(lasting, sql, args...)
	return tag.RowsAffected(), err
}

// outlast returns a context that ends some time after ctx.
func outlast(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		pause(lasting, patience)
		cancel()
	})
	return lasting, func() { stop(); cancel() }
}

// pause waits, until ctx ends at most.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
