package memstore

import (
	"context"
	"fmt"

	"github.com/seed-d3a9fb6b/apikey"
)

// maxVisits is how many records one List looks at. A rare match among many records comes in
// short pages, and a writer never waits for a walk over all of them.
const maxVisits = 1000

// List implements [apikey.Store].
func (s *Store) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) (page []*apikey.Record, next apikey.ID, err error) {
	if limit < 1 {
		return nil, apikey.ID{}, fmt.Errorf("memstore: list with a limit of %d", limit)
	}
	page, next, err = s.page(ctx, f, before, limit)
	for i, r := range page {
		page[i] = r.Clone()
	}
	return page, next, err
}

// page is List without the copies, which need no lock.
func (s *Store) page(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) (page []*apikey.Record, next apikey.ID, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(ctx); err != nil {
		return nil, apikey.ID{}, err
	}
	visits := 0
	var last apikey.ID
	for id := range s.candidates(f).below(before) {
		if len(page) == limit || visits == maxVisits {
			return page, last, nil
		}
		visits++
		last = id
		if r := s.records[id]; f.Match(r) {
			page = append(page, r)
		}
	}
	return page, apikey.ID{}, nil
}

// Count implements [apikey.Store].
func (s *Store) Count(ctx context.Context, f apikey.Filter) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	if f == (apikey.Filter{}) {
		return len(s.records), nil
	}
	n := 0
	for id := range s.candidates(f).below(apikey.ID{}) {
		if f.Match(s.records[id]) {
			n++
		}
	}
	return n, nil
}

// candidates returns the smallest set that has all that f selects.
func (s *Store) candidates(f apikey.Filter) *ids {
	if f.Subject == "" {
		return &s.all
	}
	if of := s.subjects[f.Subject]; of != nil {
		return of
	}
	return new(ids)
}
