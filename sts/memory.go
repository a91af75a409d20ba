package sts

import (
	"bytes"
	"context"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
)

// values are where signing keys are kept: a store, or memory.
type values interface {
	Value(ctx context.Context, name string) ([]byte, error)
	SwapValue(ctx context.Context, name string, old, new []byte) error
}

// memory is for a service without a keyring: what is not sealed must not get into the store.
type memory struct {
	mu     sync.Mutex
	stored map[string][]byte
}

func (m *memory) Value(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stored[name], nil
}

func (m *memory) SwapValue(_ context.Context, name string, old, new []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.stored[name], old) {
		return apikey.ErrConflict
	}
	m.stored[name] = new
	return nil
}
