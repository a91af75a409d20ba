package pgstore

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
)

// marks say where the log ended at instants of this process's monotonic clock, or a little before. What a mark has was
// committed before it, and what was committed after it comes behind it, whatever the clocks of databases said
// then or say now.
type marks struct {
	mu  sync.Mutex
	all []mark // the oldest first
}

type mark struct {
	at time.Time // when the end had been read
	position
}

const (
	markEvery = time.Second
	// keptFor is how old an entry is at least when it is pruned: so much older than Changes asks for that its marks,
	// which are a minute apart where nobody watches, find theirs.
	keptFor = apikey.ChangesKept + 5*time.Minute
)

// add notes that the log was just read to its end, by a read that began at an instant.
func (m *marks) add(end position, began time.Time) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.all); n > 0 {
		switch last := m.all[n-1]; {
		case end.sequence < last.sequence && began.Before(last.at): // another read, which began later, was quicker
			return
		case end.sequence < last.sequence: // the database was taken back
			m.all = nil
		case now.Sub(last.at) < markEvery:
			return
		}
	}
	for len(m.all) > 1 && now.Sub(m.all[1].at) > keptFor {
		m.all = m.all[1:]
	}
	m.all = append(m.all, mark{now, end})
}

// before returns the newest mark that is older than d.
func (m *marks) before(d time.Duration) (newest mark, ok bool) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, one := range m.all {
		if now.Sub(one.at) <= d {
			break
		}
		newest, ok = one, true
	}
	return newest, ok
}

// first returns the oldest mark; there is one since the store was opened.
func (m *marks) first() mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[0]
}

// mark reads where the log ends.
func (s *Store) mark(ctx context.Context) error {
	return s.read(ctx, oneTime, func(ctx context.Context, c *pgx.Conn) error {
		began := time.Now()
		end, err := s.newestEntry(ctx, c)
		if err == nil {
			s.marks.add(end.position, began)
		}
		return err
	})
}
