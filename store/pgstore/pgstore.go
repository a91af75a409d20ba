package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/internal/watch"
)

var (
	// ErrClosed is what every call answers after Close.
	ErrClosed = errors.New("pgstore: the store is closed")
	// ErrStandby: the server is a standby, which may lag behind its primary, so that it knows a revoked key as valid. Nothing
	// that it says is taken for an answer.
	ErrStandby = errors.New("pgstore: the server is a read-only standby; connect to the primary, with target_session_attrs=primary if the DSN has several hosts")
)

// Options are how to use a database. The zero value is the secure and usual choice.
type Options struct {
	// Schema is where the tables are, and is made by Migrate if there is none: 1 to 48 of a-z, 0-9 and _. "": apikey.
	Schema string
	// Migrate brings the tables to the newest version, as [Migrate] does, before they are used.
	Migrate bool
	// Poll is the time between two looks at what others have changed: 10 ms to a minute; 0: 250 ms. A Verifier's
	// MaxStaleness must be more than twice of it.
	Poll time.Duration
	// NoListen leaves out LISTEN and NOTIFY, by which a look comes as soon as there is something to see. A database
	// that lacks them, or a pooler that loses them, needs no such choice, but is spared the attempts.
	NoListen bool
	// Logger is told at level Warn when the changes of others can't be read, and at level Info when they can again; nil: nobody is.
	Logger *slog.Logger
}

const (
	defaultSchema = "apikey"
	defaultPoll   = 250 * time.Millisecond
	minPoll       = 10 * time.Millisecond
	maxPoll       = time.Minute
)

// complete validates the options and fills in the defaults.
func (o *Options) complete() (*statements, error) {
	if o.Schema == "" {
		o.Schema = defaultSchema
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	if o.Poll < minPoll || o.Poll > maxPoll {
		return nil, fmt.Errorf("pgstore: Poll: %v is not from %v to %v", o.Poll, minPoll, maxPoll)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return newStatements(o.Schema)
}

// Store is an [apikey.Store], an [apikey.Watcher] and an [apikey.ChangeLog]. It is safe for
// concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	owned   bool // Close closes it
	options Options
	sql     *statements

	watchers watch.Watchers
	feed     feed
	marks    marks
	hints    hints
	changing chan struct{} // holds an element for each change under way

	closed  atomic.Bool
	closing sync.Once
	stop    context.CancelFunc
	running sync.WaitGroup
}

var (
	_ apikey.Store     = (*Store)(nil)
	_ apikey.Watcher   = (*Store)(nil)
	_ apikey.ChangeLog = (*Store)(nil)
)

// Open connects to the database that a DSN names, a URL or keywords and values, as libpq takes them, with
// what package pgxpool adds: pool_max_conns, for one. It checks that the database can be used, and its
// errors name what to do; [ErrStandby], [ErrNotMigrated] and [ErrNewerSchema] are among them. ctx bounds
// Open alone. Nil options are the defaults.
//
// Beside the pool's, a store takes one connection for what others change, while it is watched.
func Open(ctx context.Context, dsn string, opts *Options) (*Store, error) {
	config, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("pgstore: open: %w", err)
	}
	s, err := New(ctx, pool, opts)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.owned = true
	return s, nil
}

// New is Open for a pool that the caller owns, and closes after the store. Its connections must be to
// a primary. The connection for what others change is made as the pool makes its own.
func New(ctx context.Context, pool *pgxpool.Pool, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	q, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, pool, q, o); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, options: o, sql: q}
	s.hints.more = make(chan struct{}, 1)
	s.changing = make(chan struct{}, max(1, pool.Config().MaxConns/2))
	s.feed.wake = make(chan struct{}, 1)
	if err := s.mark(ctx); err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.follow(life) })
	s.running.Go(func() { s.keep(life) })
	if !o.NoListen {
		s.running.Go(func() { s.hint(life) })
	}
	return s, nil
}

// closeTime is how long Close waits for the pool. Connections to a server that is silent take pgx 15 s to close.
const closeTime = 2 * time.Second

// Close ends what goes on in the background and, if Open made the pool, closes it, for which it waits for the
// calls under way, but no longer than 2 seconds. Watchers are told that nothing they read can be trusted any longer; later calls
// answer [ErrClosed]. Closing again does nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		// In this order: from here on every read fails, so what is distrusted stays so.
		s.closed.Store(true)
		s.watchers.Tell(apikey.Change{Gap: true})
		s.stop()
		s.running.Wait()
		if s.owned {
			s.closePool()
		}
	})
	return nil
}

// closePool leaves to pgx, which needs 15 s at most, and to the calls under way, which have deadlines, what does not end soon.
func (s *Store) closePool() {
	closed := make(chan struct{})
	go func() {
		s.pool.Close()
		close(closed)
	}()
	limit := time.NewTimer(closeTime)
	defer limit.Stop()
	select {
	case <-closed:
	case <-limit.C:
	}
}

// ready is asked at the beginning of every call.
func (s *Store) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}
