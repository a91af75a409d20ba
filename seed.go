package apikey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
)

var (
	errNoSeed  = errors.New("the store holds no seed: no Issuer has made a key in it yet")
	errBadSeed = fmt.Errorf("the store's seed is not %d bytes", seedSize)
)

// seed reads the store's seed at the first call that needs it and keeps the key derived from
// it for good: a seed never changes. Safe for concurrent use.
type seed struct {
	store  Store
	reads  *atomic.Uint64 // counts calls of the store
	tagKey atomic.Pointer[tagKey]

	turn   chan struct{} // held by the one who reads
	begun  atomic.Uint64 // reads begun
	failed error         // how the last read failed; held by turn
}

func newSeed(store Store, reads *atomic.Uint64) *seed {
	return &seed{store: store, reads: reads, turn: make(chan struct{}, 1)}
}

// key returns the tag key. Only an Issuer creates the seed. One caller reads; those who were
// waiting before its read began share a failure, so that a store that is down is asked once
// and not by each in turn.
func (s *seed) key(ctx context.Context, create bool) (*tagKey, error) {
	if k := s.tagKey.Load(); k != nil {
		return k, nil
	}
	arrived := s.begun.Load()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, endOf(ctx)
	}
	defer func() { <-s.turn }()
	if k := s.tagKey.Load(); k != nil {
		return k, nil
	}
	if s.begun.Load() > arrived && s.failed != nil {
		return nil, s.failed
	}
	s.begun.Add(1)
	s.failed = nil
	value, err := s.load(ctx, create)
	if err != nil {
		if ctx.Err() == nil { // else it is this caller's own failure
			s.failed = err
		}
		return nil, err
	}
	k := newTagKey(value)
	s.tagKey.Store(&k)
	return &k, nil
}

func (s *seed) load(ctx context.Context, create bool) ([]byte, error) {
	for try := 1; ; try++ {
		s.reads.Add(1)
		value, err := s.store.Value(ctx, seedName)
		switch {
		case err != nil:
			return nil, err
		case len(value) == seedSize:
			return value, nil
		case value != nil:
			return nil, errBadSeed
		case !create:
			return nil, errNoSeed
		}
		value = make([]byte, seedSize)
		rand.Read(value)
		// Another process may be first: then its seed is the one, and is read.
		if err := s.store.SwapValue(ctx, seedName, nil, value); err == nil {
			return value, nil
		} else if !errors.Is(err, ErrConflict) || try == 3 {
			return nil, err
		}
	}
}
