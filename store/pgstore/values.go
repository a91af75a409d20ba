package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
)

// Value returns a named value; nil: there is none. See [apikey.Store].
func (s *Store) Value(ctx context.Context, name string) (value []byte, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	err = s.read(ctx, oneTime, func(ctx context.Context, c *pgx.Conn) error {
		var primary bool
		err := c.QueryRow(ctx, s.sql.value, []byte(name)).Scan(&primary, &value)
		if err == nil && !primary {
			err = ErrStandby
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pgstore: read value %q: %w", name, err)
	}
	return value, nil
}

// maxName is what an entry of an index has room for.
const maxName = 2000

// SwapValue sets a named value if its present one is old. See [apikey.Store].
func (s *Store) SwapValue(ctx context.Context, name string, old, new []byte) (err error) {
	if err := s.ready(ctx); err != nil {
		return err
	}
	if name == "" || len(name) > maxName {
		return fmt.Errorf("pgstore: a value needs a name of at most %d bytes", maxName)
	}
	key, rows := []byte(name), int64(1)
	switch {
	case old == nil && new == nil:
		var present []byte
		if present, err = s.Value(ctx, name); present != nil {
			rows = 0
		}
	case old == nil:
		rows, err = s.write(ctx, s.sql.insert, key, new)
	case new == nil:
		rows, err = s.write(ctx, s.sql.removeValue, key, old)
	default:
		rows, err = s.write(ctx, s.sql.swap, key, old, new)
	}
	switch {
	case err != nil:
		return fmt.Errorf("pgstore: set value %q: %w", name, err)
	case rows == 0:
		return apikey.ErrConflict
	}
	return nil
}
