package storetest_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// The good feed, with and without a heartbeat, keeps the contract.
func TestFeed(t *testing.T) {
	for _, beat := range []time.Duration{0, time.Millisecond} {
		t.Run(beat.String(), func(t *testing.T) {
			storetest.RunWatcher(t, func(t *testing.T) apikey.Store { return newFeed(habits{beat: beat}) })
		})
	}
}

// A feed may tell too much.
func TestEchoingFeed(t *testing.T) {
	storetest.RunWatcher(t, func(t *testing.T) apikey.Store { return echoes{memstore.New()} })
}

// echoes is a good store that tells of Creates, too, and of each write once more, late.
type echoes struct{ *memstore.Store }

// tell tells of id: a Replace with Version 0 does, and nothing else.
func (s echoes) tell(id apikey.ID) { _ = s.Store.Replace(context.Background(), &apikey.Record{ID: id}) }

func (s echoes) echo(id apikey.ID) { time.AfterFunc(50*time.Microsecond, func() { s.tell(id) }) }

func (s echoes) Create(ctx context.Context, r *apikey.Record) error {
	defer s.echo(r.ID)
	defer s.tell(r.ID)
	return s.Store.Create(ctx, r)
}

func (s echoes) Replace(ctx context.Context, r *apikey.Record) error {
	defer s.echo(r.ID)
	return s.Store.Replace(ctx, r)
}

func (s echoes) Delete(ctx context.Context, id apikey.ID) error {
	defer s.echo(id)
	return s.Store.Delete(ctx, id)
}

// feed is a mapStore that tells of changes, in a way that can be replaced.
type feed struct {
	*mapStore
	habits

	stopping gap

	told sync.RWMutex
	last int
	fs   map[int]func(apikey.Change)
}

type habits struct {
	beat  time.Duration
	pulse func(first bool) apikey.Change                      // what a beat tells
	after func(s *feed, call string, id apikey.ID, err error) // what Replace, Delete and RecordUse do before they return
	early string                                              // the call that tells before it writes, and only then
	doubt string                                              // the call that looks at its context after it has written
	hasty bool                                                // f is called without the lock
}

func newFeed(h habits) *feed {
	f := &feed{mapStore: newMapStore(), habits: h, fs: make(map[int]func(apikey.Change))}
	if f.pulse == nil {
		f.pulse = func(first bool) apikey.Change { return apikey.Change{Gap: first, Fresh: time.Now()} }
	}
	if f.after == nil {
		f.after = func(s *feed, call string, id apikey.ID, _ error) {
			if call != "RecordUse" {
				s.tell(apikey.Change{ID: id})
			}
		}
	}
	return f
}

func (s *feed) Heartbeat() time.Duration { return s.beat }

func (s *feed) Watch(f func(apikey.Change)) (stop func()) {
	s.told.Lock()
	defer s.told.Unlock()
	s.last++
	key := s.last
	s.fs[key] = f
	done := make(chan struct{})
	var beating sync.WaitGroup
	if s.beat > 0 {
		beating.Go(func() {
			for first := key == 1; ; first = false { // later watchers need no Gap
				f(s.pulse(first))
				select {
				case <-done:
					return
				case <-time.After(s.beat):
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		s.stopping.entered.Add(1)
		s.told.Lock()
		delete(s.fs, key)
		s.told.Unlock()
		close(done)
		beating.Wait()
	})
}

func (s *feed) tell(c apikey.Change) {
	s.told.RLock()
	if s.hasty {
		fs := slices.Collect(maps.Values(s.fs))
		s.told.RUnlock()
		s.stopping.wait()
		for _, f := range fs {
			f(c)
		}
		return
	}
	defer s.told.RUnlock()
	for _, f := range s.fs {
		f(c)
	}
}

func (s *feed) Replace(ctx context.Context, r *apikey.Record) error {
	if s.early == "Replace" {
		s.tell(apikey.Change{ID: r.ID})
		return s.mapStore.Replace(ctx, r)
	}
	err := s.mapStore.Replace(ctx, r)
	if s.doubt == "Replace" && ctx.Err() != nil {
		return ctx.Err()
	}
	s.after(s, "Replace", r.ID, err)
	return err
}

func (s *feed) Delete(ctx context.Context, id apikey.ID) error {
	if s.early == "Delete" {
		s.tell(apikey.Change{ID: id})
		return s.mapStore.Delete(ctx, id)
	}
	err := s.mapStore.Delete(ctx, id)
	if s.doubt == "Delete" && ctx.Err() != nil {
		return ctx.Err()
	}
	s.after(s, "Delete", id, err)
	return err
}

func (s *feed) RecordUse(ctx context.Context, uses []apikey.Use) error {
	err := s.mapStore.RecordUse(ctx, uses)
	for _, u := range uses {
		s.after(s, "RecordUse", u.ID, err)
	}
	return err
}
