package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

func TestThirdParty(t *testing.T) {
	storetest.Run(t, func(t *testing.T) apikey.Store { return newMapStore() })
}

// mapStore is a Store as someone else would write it, from the doc comments of package apikey.
type mapStore struct {
	mu      sync.Mutex
	records map[apikey.ID]*apikey.Record
	values  map[string][]byte
}

func newMapStore() *mapStore {
	return &mapStore{records: make(map[apikey.ID]*apikey.Record), values: make(map[string][]byte)}
}

func (s *mapStore) Create(ctx context.Context, r *apikey.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.records[r.ID] != nil {
		return apikey.ErrExists
	}
	return s.put(r.Clone(), 1)
}

func (s *mapStore) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r := s.records[id]; r != nil {
		return r.Clone(), nil
	}
	return nil, apikey.ErrNotFound
}

func (s *mapStore) Replace(ctx context.Context, r *apikey.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	old := s.records[r.ID]
	if old == nil || old.Version != r.Version {
		return apikey.ErrConflict
	}
	r = r.Clone()
	r.KeepUse(old)
	return s.put(r, old.Version+1)
}

// put keeps r.
func (s *mapStore) put(r *apikey.Record, version uint64) error {
	for _, other := range s.records {
		if r.UniqueKey != "" && other.UniqueKey == r.UniqueKey && other.ID != r.ID {
			return apikey.ErrNameTaken
		}
	}
	r.Version = version
	s.records[r.ID] = r
	return nil
}

func (s *mapStore) Delete(ctx context.Context, id apikey.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.records[id] == nil {
		return apikey.ErrNotFound
	}
	delete(s.records, id)
	return nil
}

func (s *mapStore) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, apikey.ID{}, err
	}
	if limit < 1 {
		return nil, apikey.ID{}, errors.New("mapstore: limit below 1")
	}
	var page []*apikey.Record
	for _, r := range s.records {
		if f.Match(r) && (before.IsZero() || r.ID.Compare(before) < 0) {
			page = append(page, r.Clone())
		}
	}
	slices.SortFunc(page, func(a, b *apikey.Record) int { return b.ID.Compare(a.ID) })
	if len(page) <= limit {
		return page, apikey.ID{}, nil
	}
	return page[:limit], page[limit-1].ID, nil
}

func (s *mapStore) Count(ctx context.Context, f apikey.Filter) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.records {
		if f.Match(r) {
			n++
		}
	}
	return n, ctx.Err()
}

func (s *mapStore) RecordUse(ctx context.Context, uses []apikey.Use) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, u := range uses {
		if r := s.records[u.ID]; r != nil {
			u.Apply(r)
		}
	}
	return nil
}

func (s *mapStore) Value(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.values[name]), ctx.Err()
}

func (s *mapStore) SwapValue(ctx context.Context, name string, old, new []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if now := s.values[name]; !bytes.Equal(now, old) || (now == nil) != (old == nil) {
		return apikey.ErrConflict
	}
	s.values[name] = bytes.Clone(new)
	return nil
}
