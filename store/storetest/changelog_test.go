package storetest_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// The good log keeps the contract.
func TestLog(t *testing.T) {
	storetest.RunChangeLog(t, func(t *testing.T) apikey.Store { return newLogStore(logHabits{}) })
	storetest.RunDurable(t, func(t *testing.T, reopen apikey.Store) apikey.Store {
		if reopen != nil {
			return reopen
		}
		return newLogStore(logHabits{})
	})
}

// logStore is a mapStore that remembers what was changed, in a way that can be replaced.
type logStore struct {
	*mapStore
	logHabits

	mu       sync.Mutex // a write and its line in the log are one
	sequence uint64
	log      map[apikey.ID]uint64
	closed   bool
}

type logHabits struct {
	wants func(call string, id apikey.ID, err error) bool // whether it is logged
	add   func(s *logStore, id apikey.ID)
	late  bool                                                   // it is logged without the lock
	doubt func(ctx context.Context, write func() error) error    // how Replace and Delete write
	all   func(s *logStore, all []apikey.Logged) []apikey.Logged // what Changes returns
	loose bool                                                   // Changes looks at neither its arguments nor whether the store is closed
}

func newLogStore(h logHabits) *logStore {
	s := &logStore{mapStore: newMapStore(), logHabits: h, log: make(map[apikey.ID]uint64)}
	if s.wants == nil {
		s.wants = func(call string, _ apikey.ID, err error) bool {
			return err == nil && (call == "Replace" || call == "Delete")
		}
	}
	if s.add == nil {
		s.add = (*logStore).next
	}
	if s.doubt == nil {
		s.doubt = func(_ context.Context, write func() error) error { return write() }
	}
	return s
}

func (s *logStore) next(id apikey.ID) {
	s.sequence++
	s.log[id] = s.sequence
}

func (s *logStore) write(call string, id apikey.ID, do func() error) error {
	s.mu.Lock()
	err := do()
	if s.late {
		s.mu.Unlock()
	} else {
		defer s.mu.Unlock()
	}
	if s.wants(call, id, err) {
		s.add(s, id)
	}
	return err
}

func (s *logStore) Create(ctx context.Context, r *apikey.Record) error {
	return s.write("Create", r.ID, func() error { return s.mapStore.Create(ctx, r) })
}

func (s *logStore) Replace(ctx context.Context, r *apikey.Record) error {
	return s.write("Replace", r.ID, func() error {
		return s.doubt(ctx, func() error { return s.mapStore.Replace(ctx, r) })
	})
}

func (s *logStore) Delete(ctx context.Context, id apikey.ID) error {
	return s.write("Delete", id, func() error {
		return s.doubt(ctx, func() error { return s.mapStore.Delete(ctx, id) })
	})
}

func (s *logStore) RecordUse(ctx context.Context, uses []apikey.Use) error {
	return s.write("RecordUse", uses[0].ID, func() error { return s.mapStore.RecordUse(ctx, uses) })
}

func (s *logStore) Close() error {
	s.closed = true
	return nil
}

var errLog = errors.New("logstore: closed, or no such time")

func (s *logStore) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loose {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s.closed || within < 0 || within > apikey.ChangesKept {
			return nil, errLog
		}
	}
	var all []apikey.Logged
	for id, sequence := range s.log {
		all = append(all, apikey.Logged{ID: id, Sequence: sequence})
	}
	if s.all != nil {
		all = s.all(s, all)
	}
	return all, nil
}
