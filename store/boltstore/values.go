package boltstore

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
)

// Value returns a named value; nil: there is none. See [apikey.Store].
func (s *Store) Value(ctx context.Context, name string) ([]byte, error) {
	var value []byte
	err := s.read(ctx, func(tx transaction) error {
		stored, err := tx.bucket(bucketValues).get([]byte(name))
		value = bytes.Clone(stored)
		return err
	})
	if err != nil {
		return nil, err
	}
	return value, nil
}

// SwapValue sets a named value if its present one is old. See [apikey.Store].
func (s *Store) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if err := s.admit(ctx, true); err != nil {
		return err
	}
	if name == "" || len(name) > bbolt.MaxKeySize {
		return errors.New("boltstore: a value needs a name of at most 32 KiB")
	}
	old, new = bytes.Clone(old), bytes.Clone(new) // which keep nil and empty apart
	return s.write(ctx, 1, func(tx transaction) ([]change, error) {
		present, err := tx.bucket(bucketValues).get([]byte(name))
		if err != nil {
			return nil, err
		}
		if (present == nil) != (old == nil) || !bytes.Equal(present, old) {
			return nil, apikey.ErrConflict
		}
		if present == nil && new == nil {
			return nil, nil
		}
		return []change{{bucketValues, []byte(name), new}}, nil
	})
}
