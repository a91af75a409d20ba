package sts_test

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// flaky is a store that keeps no values while it fails.
type flaky struct {
	*memstore.Store
	mu      sync.Mutex
	failing bool
	asked   int
}

func (s *flaky) fails(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing, s.asked = failing, 0
}

func (s *flaky) reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *flaky) Value(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	s.asked++
	failing := s.failing
	s.mu.Unlock()
	if failing {
		return nil, errors.New("the store is down")
	}
	return s.Store.Value(ctx, name)
}
