package pgstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
)

// Create stores a record under its ID as Version 1. See [apikey.Store].
func (s *Store) Create(ctx context.Context, r *apikey.Record) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	w, err := newRow(r, 1)
	if err != nil {
		return err
	}
	_, err = s.write(ctx, s.sql.create, uuid(r.ID), w.body, w.subject, w.typ, w.nameFold, w.uniqueKey,
		w.expires, w.revoked, w.numbers, w.lastUsed, w.used)
	return answer("create", r.ID, err)
}

// Get returns the record. See [apikey.Store].
func (s *Store) Get(ctx context.Context, id apikey.ID) (r *apikey.Record, err error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	err = s.read(ctx, oneTime, func(ctx context.Context, c *pgx.Conn) error {
		r, err = s.find(ctx, c, s.sql.get, id)
		if errors.Is(err, pgx.ErrNoRows) {
			r, err = s.find(ctx, c, s.sql.find, id)
		}
		return err
	})
	return r, answer("read", id, err)
}

// find reads a record by one of two statements.
func (s *Store) find(ctx context.Context, c *pgx.Conn, sql string, id apikey.ID) (*apikey.Record, error) {
	var primary bool
	var found stored
	if err := c.QueryRow(ctx, sql, uuid(id)).Scan(append([]any{&primary}, found.targets()...)...); err != nil {
		return nil, err
	}
	switch {
	case !primary:
		return nil, ErrStandby
	case found.version == noVersion:
		return nil, apikey.ErrNotFound
	}
	return found.record(id)
}

// Replace stores the next Version of a record. See [apikey.Store].
func (s *Store) Replace(ctx context.Context, r *apikey.Record) error {
	// Whatever comes of it: a call too many costs a read, one too few could hide a revocation.
	defer s.watchers.Tell(apikey.Change{ID: r.ID})
	if err := s.ready(ctx); err != nil {
		return err
	}
	if !storable(r.Version) {
		return apikey.ErrConflict
	}
	w, err := newRow(r, r.Version+1)
	if err != nil {
		return err
	}
	n, err := s.change(ctx, s.sql.replace, r.ID, int64(r.Version), w.body, w.subject, w.typ, w.nameFold,
		w.uniqueKey, w.expires, w.revoked, w.numbers)
	if err == nil && n == 0 {
		return apikey.ErrConflict
	}
	return answer("replace", r.ID, err)
}

// Delete removes the record. See [apikey.Store].
func (s *Store) Delete(ctx context.Context, id apikey.ID) error {
	defer s.watchers.Tell(apikey.Change{ID: id}) // as in Replace
	if err := s.ready(ctx); err != nil {
		return err
	}
	n, err := s.change(ctx, s.sql.remove, id)
	if err == nil && n == 0 {
		return apikey.ErrNotFound
	}
	return answer("delete", id, err)
}

// change is write for a statement that changes a key and logs it, under a new tag, which is its first parameter.
// Changes wait for each other, and while they do they take no more than half of the connections from those who read.
func (s *Store) change(ctx context.Context, sql string, id apikey.ID, args ...any) (rows int64, err error) {
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	var tag [8]byte
	rand.Read(tag[:])
	rows, err = s.write(ctx, sql, append([]any{int64(binary.BigEndian.Uint64(tag[:])), uuid(id)}, args...)...)
	if (rows > 0 || err != nil) && !s.options.NoListen {
		s.hints.add(id)
	}
	return rows, err
}

func answer(doing string, id apikey.ID, err error) error {
	switch {
	case err == nil, err == apikey.ErrNotFound:
		return err
	case taken(err, "apikey_keys_unique_key_key"):
		return apikey.ErrNameTaken
	case taken(err, "apikey_keys_pkey"):
		return apikey.ErrExists
	}
	return fmt.Errorf("pgstore: %s key %s: %w", doing, id, err)
}
