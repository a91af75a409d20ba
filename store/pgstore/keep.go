package pgstore

import (
	"context"
	"time"
)

const (
	keepEvery = time.Minute
	// maxPruned bounds one statement; there are more where it is used up.
	maxPruned = 10_000
	// doubt is how old by its stamp and by the clock an entry must be to be pruned by a program that has not been there for long
	// enough to have seen it get old: more than a clock in another time zone is wrong by.
	doubt = 24 * time.Hour
)

// keep prunes the log, and sets marks where nobody watches. What it can't do now it does later.
func (s *Store) keep(ctx context.Context) {
	every := time.NewTicker(keepEvery)
	defer every.Stop()
	for {
		s.prune(ctx)
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		c, cancel := context.WithTimeout(ctx, lookTime)
		_ = s.mark(c)
		cancel()
	}
}

// prune removes entries that are too old. The newest one is never removed, since the numbers go on from it.
func (s *Store) prune(ctx context.Context) {
	for ctx.Err() == nil {
		c, cancel := context.WithTimeout(ctx, lookTime)
		rows, err := s.pruneSome(c)
		cancel()
		if err != nil || rows < maxPruned {
			return
		}
	}
}

func (s *Store) pruneSome(ctx context.Context) (int64, error) {
	if m, ok := s.marks.before(keptFor); ok {
		return s.write(ctx, s.sql.pruneSeen, m.sequence, m.tag, maxPruned)
	}
	return s.write(ctx, s.sql.pruneOld, doubt.Milliseconds(), maxPruned)
}
