package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
)

// maxVisits is how many records one List looks at. A rare match among many records comes in short pages.
const maxVisits = 1000

// List returns a page of records, the newest first. See [apikey.Store].
func (s *Store) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) (page []*apikey.Record, next apikey.ID, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, next, err
	}
	if limit < 1 {
		return nil, next, fmt.Errorf("pgstore: list with a limit of %d", limit)
	}
	limit = min(limit, maxVisits-1)
	shape, args := arguments(f, before)
	args = append(args, limit+1) // one more says whether there are more
	err = s.read(ctx, manyTime, func(ctx context.Context, c *pgx.Conn) error {
		rows, err := c.Query(ctx, s.sql.lists[shape], args...)
		if err != nil {
			return err
		}
		page, next, err = collect(rows)
		if len(page) > limit {
			page = page[:limit]
			next = page[limit-1].ID
		}
		return err
	})
	if err != nil {
		return nil, apikey.ID{}, fmt.Errorf("pgstore: list keys: %w", err)
	}
	return page, next, nil
}

// collect returns the records of a list, and the last that was looked at, if there may be more behind it.
func collect(rows pgx.Rows) (page []*apikey.Record, end apikey.ID, err error) {
	var primary, matches bool
	var visit int
	var id pgtype.UUID
	var found stored
	_, err = pgx.ForEachRow(rows, append([]any{&primary, &visit, &matches, &id}, found.targets()...), func() error {
		switch {
		case !primary:
			return ErrStandby
		case visit == maxVisits:
			end = id.Bytes
		}
		if !matches { // or there is none at all
			return nil
		}
		r, err := found.record(id.Bytes)
		page = append(page, r)
		return err
	})
	return page, end, err
}

// Count returns how many records match; without a Subject it looks at all. See [apikey.Store].
func (s *Store) Count(ctx context.Context, f apikey.Filter) (n int, err error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	shape, args := arguments(f, apikey.ID{})
	err = s.read(ctx, manyTime, func(ctx context.Context, c *pgx.Conn) error {
		var primary bool
		err := c.QueryRow(ctx, s.sql.counts[shape], args...).Scan(&primary, &n)
		if err == nil && !primary {
			err = ErrStandby
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pgstore: count keys: %w", err)
	}
	return n, nil
}
