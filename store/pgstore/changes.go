package pgstore

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
)

// commitTime is for how much longer than asked an entry is returned whose age is known by its stamp alone. The stamp is
// taken before the commit, and until that is over the record is read as it was.
const commitTime = time.Minute

// Changes returns the records that were replaced or deleted no longer than within ago, and some of
// the minutes before. It takes as long as there were changes in that time; all of the log, where the store was not open then. See [apikey.ChangeLog].
func (s *Store) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	if within < 0 || within > apikey.ChangesKept {
		return nil, fmt.Errorf("pgstore: changes within %v, which is not from 0 to %v", within, apikey.ChangesKept)
	}
	var entries []entry
	err := s.read(ctx, manyTime, func(ctx context.Context, c *pgx.Conn) (err error) {
		entries, err = s.changesWithin(ctx, c, within)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: read the changes: %w", err)
	}
	latest := make(map[apikey.ID]uint64, len(entries))
	for _, e := range entries { // in ascending order
		if !e.id.IsZero() { // which the first entry of all has, and the row that says who answers
			latest[e.id] = uint64(e.sequence)
		}
	}
	all := make([]apikey.Logged, 0, len(latest))
	for id, sequence := range latest {
		all = append(all, apikey.Logged{ID: id, Sequence: sequence})
	}
	return all, nil
}

// changesWithin goes by a mark, if there is one that is old enough and the log still has it as it was. Else it
// goes by the clock for what was there when the store was opened. That may be wrong now or have been wrong then: the younger of two ages
// counts, that by the stamp, which never went back, and that by what the clock said.
func (s *Store) changesWithin(ctx context.Context, c *pgx.Conn, within time.Duration) ([]entry, error) {
	if m, ok := s.marks.before(within); ok {
		entries, err := s.entries(ctx, c, s.sql.since, m.sequence)
		if err != nil {
			return nil, err
		}
		if len(entries) > 0 && entries[0].position == m.position {
			return entries[1:], nil
		}
		return s.entries(ctx, c, s.sql.byClock, int64(math.MaxInt64), (within + commitTime).Milliseconds())
	}
	return s.entries(ctx, c, s.sql.byClock, s.marks.first().sequence, (within + commitTime).Milliseconds())
}
