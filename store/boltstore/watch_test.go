package boltstore_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestGapBeforeUnlock: when watchers hear of Close, reads fail already, and nobody else has
// got the file yet.
func TestGapBeforeUnlock(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 2)
	gaps := 0
	s.Watch(func(c apikey.Change) {
		if !c.Gap {
			t.Errorf("the change is %+v", c)
		}
		gaps++
		if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, boltstore.ErrClosed) {
			t.Errorf("Get answered %v", err)
		}
		if _, err := boltstore.Open(path, &boltstore.Options{Timeout: time.Millisecond}); !errors.Is(err, boltstore.ErrLocked) {
			t.Errorf("Open answered %v", err)
		}
	})
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps, want 1", gaps)
	}
}

// TestStopWaits: stop returns when the call of f that runs is over.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	running, stopping := make(chan struct{}), make(chan struct{})
	var stopped atomic.Bool
	stop := s.Watch(func(apikey.Change) {
		close(running)
		<-stopping
		for range 10_000 { // chances for stop to return too early
			runtime.Gosched()
		}
		if stopped.Load() {
			t.Error("stop returned while f was running")
		}
	})
	deleted := make(chan error)
	go func() { deleted <- s.Delete(t.Context(), id(1)) }()
	<-running
	close(stopping)
	stop()
	stopped.Store(true)
	if err := <-deleted; !errors.Is(err, apikey.ErrNotFound) {
		t.Error(err)
	}
}

// TestWatchersDoNotHoldUp: while f runs, others read, write, watch and stop watching.
func TestWatchersDoNotHoldUp(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 5)
	running, finish := make(chan struct{}), make(chan struct{})
	stop := s.Watch(func(c apikey.Change) {
		if c.ID == id(1) {
			close(running)
			<-finish
		}
	})
	defer stop()
	deleted := make(chan error)
	go func() { deleted <- s.Delete(t.Context(), id(1)) }()
	<-running
	s.Watch(func(apikey.Change) {})()
	s.Watch(nil)()
	if err := s.Delete(t.Context(), id(2)); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("Get answered %v", err)
	}
	close(finish)
	if err := <-deleted; err != nil {
		t.Error(err)
	}
	if s.Heartbeat() != 0 {
		t.Errorf("Heartbeat is %v", s.Heartbeat())
	}
}
