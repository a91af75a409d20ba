package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
)

// RecordUse moves last-used times forward, all in one statement. See [apikey.Store].
func (s *Store) RecordUse(ctx context.Context, uses []apikey.Use) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if len(uses) == 0 {
		return nil
	}
	ids, numbers, ats := make([]pgtype.UUID, len(uses)), make([]int32, len(uses)), make([]int64, len(uses))
	for i, u := range uses {
		if u.At.Location() != time.UTC || u.At.Nanosecond()%int(time.Millisecond) != 0 || ms(u.At) < 0 {
			return fmt.Errorf("pgstore: record the use of key %s: a time must be UTC and whole milliseconds", u.ID)
		}
		ids[i], numbers[i], ats[i] = uuid(u.ID), int32(u.Number), ms(u.At)
	}
	if _, err := s.write(ctx, s.sql.recordUse, ids, numbers, ats); err != nil {
		return fmt.Errorf("pgstore: record %d uses: %w", len(uses), err)
	}
	return nil
}
