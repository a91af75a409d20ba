package memstore

import (
	"context"
	"maps"

	"github.com/seed-d3a9fb6b/apikey"
)

// RecordUse implements [apikey.Store].
func (s *Store) RecordUse(ctx context.Context, uses []apikey.Use) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	moved := make(map[apikey.ID]*apikey.Record)
	for _, u := range uses {
		r := moved[u.ID]
		if r == nil {
			if r = s.records[u.ID]; r == nil {
				continue
			}
			r = r.Clone()
		}
		if u.Apply(r) {
			moved[u.ID] = r
		}
	}
	for _, r := range moved {
		if _, err := r.MarshalBinary(); err != nil { // as own does
			return err
		}
	}
	maps.Copy(s.records, moved)
	return nil
}
