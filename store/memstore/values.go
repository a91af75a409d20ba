package memstore

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/seed-d3a9fb6b/apikey"
)

// Value implements [apikey.Store].
func (s *Store) Value(ctx context.Context, name string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return slices.Clone(s.values[name]), nil
}

// SwapValue implements [apikey.Store].
func (s *Store) SwapValue(ctx context.Context, name string, old, new []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	if name == "" {
		return errors.New("memstore: a value needs a name")
	}
	present := s.values[name]
	if (present == nil) != (old == nil) || !bytes.Equal(present, old) {
		return apikey.ErrConflict
	}
	if new == nil {
		delete(s.values, name)
		return nil
	}
	s.values[name] = slices.Clone(new)
	return nil
}
