package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
)

// feed is how far the log of changes has been read, for the watchers.
//
// The log is a sequence without gaps, whose numbers become visible in their order, since whoever takes
// one holds the row of apikey_feed until the commit. So who has read up to a number has missed nothing
// before it, and one look at what follows tells of all that was committed before the look: that is Fresh.
// Each look begins with the last entry that was read. If that is no longer there, or is another, then entries were
// pruned, or the database was taken back to an earlier state, and nothing that was read before can be trusted: a Gap.
// So it is where another server answers, as after a failover. It may lack what the former one has acknowledged last, and
// of a key that was created there the log has nothing.
type feed struct {
	wake chan struct{} // holds one element when there is a watcher who was not there before
	// Of the goroutine that follows alone:
	last   position
	server int64 // that had it
	down   bool  // what was logged last
}

// position is an entry of the log. Its zero value is that of nobody.
type position struct {
	sequence, tag int64
	known         bool
}

const (
	// lookTime bounds a look, so that one whose answer got lost does not keep the next one waiting for good.
	lookTime = 5 * time.Second
	// maxBehind is how many changes are told one by one: somebody who missed more is told to distrust everything.
	maxBehind = 10_000
	// minPause lies between two looks, however many changes there are: together they cost one read.
	minPause = 5 * time.Millisecond
	// retry is how long to wait for the next attempt to connect.
	retry = 100 * time.Millisecond
)

// Heartbeat is twice the time between two looks: a look may take as long as that and still be in time.
func (s *Store) Heartbeat() time.Duration { return 2 * s.options.Poll }

// follow looks at the log while somebody watches, until ctx ends.
func (s *Store) follow(ctx context.Context) {
	for ctx.Err() == nil {
		if !s.watchers.Any() {
			select {
			case <-s.feed.wake:
			case <-ctx.Done():
			}
			continue
		}
		if err := s.followOn(ctx); err != nil && ctx.Err() == nil {
			if !s.feed.down {
				s.options.Logger.Warn("pgstore: what others change can't be read, trying again", "err", err)
			}
			s.feed.down = true
			pause(ctx, retry)
		}
	}
}

// followOn looks at the log on one connection, until that fails or nobody watches.
func (s *Store) followOn(ctx context.Context) error {
	l, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	for s.watchers.Any() {
		began := time.Now()
		l.told = false
		if err := s.look(ctx, l.conn, began); err != nil {
			return err
		}
		if s.feed.down {
			s.options.Logger.Info("pgstore: what others change can be read again")
		}
		s.feed.down = false
		if err := l.wait(ctx, time.Now().Add(minPause), began.Add(s.options.Poll)); err != nil {
			return err
		}
	}
	s.feed.last = position{} // whoever watches later begins anew
	return nil
}

// look reads what follows the last entry, and tells the watchers.
func (s *Store) look(ctx context.Context, c *pgx.Conn, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if s.feed.last.known {
		entries, err := s.entries(ctx, c, s.sql.follow, s.feed.last.sequence, maxBehind+1)
		if err != nil {
			return err
		}
		if len(entries) > 0 && len(entries) <= maxBehind && entries[0].position == s.feed.last && entries[0].server == s.feed.server {
			s.deliver(entries[1:], began)
			return nil
		}
	}
	newest, err := s.newestEntry(ctx, c)
	if err != nil {
		return err
	}
	s.feed.last, s.feed.server = newest.position, newest.server
	s.marks.add(newest.position, began)
	s.watchers.Tell(apikey.Change{Gap: true, Fresh: began})
	return nil
}

// deliver tells of entries that follow the last one. Beyond a number that is missing the last one does not move, so that what
// may come in its place is told, too, and as nobody knows what it was, nothing that was read can be trusted. No Store leaves a number
// out, but a hand might.
func (s *Store) deliver(entries []entry, began time.Time) {
	for _, e := range entries {
		s.watchers.Tell(apikey.Change{ID: e.id})
		if e.sequence == s.feed.last.sequence+1 {
			s.feed.last = e.position
		}
	}
	hole := len(entries) > 0 && entries[len(entries)-1].position != s.feed.last
	s.marks.add(s.feed.last, began)
	s.watchers.Tell(apikey.Change{Gap: hole, Fresh: began})
}

// entry is one of the log.
type entry struct {
	position
	server int64
	id     apikey.ID
}

// entries returns what a statement selects of the log.
func (s *Store) entries(ctx context.Context, c *pgx.Conn, sql string, args ...any) ([]entry, error) {
	rows, err := c.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e entry, err error) {
		var primary bool
		var id pgtype.UUID
		if err := row.Scan(&primary, &e.server, &e.sequence, &e.tag, &id); err != nil {
			return e, err
		}
		if !primary {
			return e, ErrStandby
		}
		e.known, e.id = true, id.Bytes
		return e, nil
	})
}

// newestEntry returns where the log ends now. The id is left out.
func (s *Store) newestEntry(ctx context.Context, c *pgx.Conn) (e entry, err error) {
	var primary bool
	if err := c.QueryRow(ctx, s.sql.newest).Scan(&primary, &e.server, &e.sequence, &e.tag); err != nil {
		return e, fmt.Errorf("pgstore: read the end of the log of changes: %w", err)
	}
	if !primary {
		return e, ErrStandby
	}
	e.known = true
	return e, nil
}
