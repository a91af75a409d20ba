package boltstore

import (
	"context"
	"errors"
	"slices"

	"github.com/seed-d3a9fb6b/apikey"
)

// Create stores a record under its ID as Version 1. See [apikey.Store].
func (s *Store) Create(ctx context.Context, r *apikey.Record) error {
	if err := s.admit(ctx, true); err != nil {
		return err
	}
	c := *r
	c.Version = 1
	if err := checkKeys(&c); err != nil {
		return err
	}
	body, err := c.MarshalBinary()
	if err != nil {
		return err
	}
	return s.write(ctx, 1, func(tx transaction) ([]change, error) {
		switch old, err := tx.bucket(bucketRecords).get(c.ID[:]); {
		case err != nil:
			return nil, err
		case old != nil:
			return nil, apikey.ErrExists
		}
		changes := []change{
			{bucketRecords, c.ID[:], body},
			{bucketSubjects, subjectKey(c.Subject, c.ID), []byte{}},
		}
		if c.UniqueKey != "" {
			taken, err := takeUnique(tx, &c)
			if err != nil {
				return nil, err
			}
			changes = append(changes, taken)
		}
		return changes, nil
	})
}

// Get returns the record. See [apikey.Store].
func (s *Store) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	var r *apikey.Record
	err := s.read(ctx, func(tx transaction) (err error) {
		r, err = fetch(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Replace stores the next Version of a record. See [apikey.Store].
func (s *Store) Replace(ctx context.Context, r *apikey.Record) error {
	// Whatever comes of it: a call too many costs a read, one too few could hide a revocation.
	defer s.watchers.Tell(apikey.Change{ID: r.ID})
	if err := s.admit(ctx, true); err != nil {
		return err
	}
	if r.Version == 0 {
		return apikey.ErrConflict
	}
	c := r.Clone()
	return s.write(ctx, 1, func(tx transaction) ([]change, error) {
		old, err := fetch(tx, c.ID)
		switch {
		case errors.Is(err, apikey.ErrNotFound):
			return nil, apikey.ErrConflict
		case err != nil:
			return nil, err
		case old.Version != c.Version:
			return nil, apikey.ErrConflict
		}
		if err := checkKeys(c); err != nil {
			return nil, err
		}
		c.KeepUse(old)
		c.Version++
		body, err := c.MarshalBinary()
		if err != nil {
			return nil, err
		}
		changes := []change{{bucketRecords, c.ID[:], body}}
		if c.Subject != old.Subject {
			changes = append(changes,
				change{bucketSubjects, subjectKey(old.Subject, c.ID), nil},
				change{bucketSubjects, subjectKey(c.Subject, c.ID), []byte{}})
		}
		if c.UniqueKey != old.UniqueKey {
			if old.UniqueKey != "" {
				changes = append(changes, freeUnique(old))
			}
			if c.UniqueKey != "" {
				taken, err := takeUnique(tx, c)
				if err != nil {
					return nil, err
				}
				changes = append(changes, taken)
			}
		}
		return s.logged(tx, c.ID, changes)
	})
}

// Delete removes the record. See [apikey.Store].
func (s *Store) Delete(ctx context.Context, id apikey.ID) error {
	defer s.watchers.Tell(apikey.Change{ID: id}) // as in Replace
	if err := s.admit(ctx, true); err != nil {
		return err
	}
	return s.write(ctx, 1, func(tx transaction) ([]change, error) {
		old, err := fetch(tx, id)
		if err != nil {
			return nil, err
		}
		changes := []change{
			{bucketRecords, id[:], nil},
			{bucketSubjects, subjectKey(old.Subject, id), nil},
		}
		if old.UniqueKey != "" {
			changes = append(changes, freeUnique(old))
		}
		return s.logged(tx, id, changes)
	})
}

// takeUnique gives r its UniqueKey, which must not be empty. ErrNameTaken.
func takeUnique(tx transaction, r *apikey.Record) (change, error) {
	holder, err := tx.bucket(bucketUnique).get([]byte(r.UniqueKey))
	if err == nil && holder != nil {
		err = apikey.ErrNameTaken
	}
	return change{bucketUnique, []byte(r.UniqueKey), r.ID[:]}, err
}

func freeUnique(r *apikey.Record) change {
	return change{bucketUnique, []byte(r.UniqueKey), nil}
}

// RecordUse moves last-used times forward. See [apikey.Store].
func (s *Store) RecordUse(ctx context.Context, uses []apikey.Use) error {
	if err := s.admit(ctx, true); err != nil {
		return err
	}
	if len(uses) == 0 {
		return nil
	}
	// Sorted, so that each record is read and written once, and neighbours together.
	uses = slices.SortedFunc(slices.Values(uses), func(a, b apikey.Use) int { return a.ID.Compare(b.ID) })
	return s.write(ctx, len(uses), func(tx transaction) ([]change, error) {
		var changes []change
		for rest := uses; len(rest) > 0; {
			id := rest[0].ID
			n := slices.IndexFunc(rest, func(u apikey.Use) bool { return u.ID != id })
			if n < 0 {
				n = len(rest)
			}
			body, err := applyUses(tx, rest[:n])
			if err != nil {
				return nil, err
			}
			if body != nil {
				changes = append(changes, change{bucketRecords, id[:], body})
			}
			rest = rest[n:]
		}
		return changes, nil
	})
}

// applyUses returns the record of these uses, all of one id, as it is to be stored; nil: as it is.
func applyUses(tx transaction, uses []apikey.Use) ([]byte, error) {
	r, err := fetch(tx, uses[0].ID)
	if errors.Is(err, apikey.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	moved := false
	for _, u := range uses {
		moved = u.Apply(r) || moved
	}
	if !moved {
		return nil, nil
	}
	return r.MarshalBinary()
}
