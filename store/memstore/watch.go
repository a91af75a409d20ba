package memstore

import (
	"sync"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// watchers are those to tell of changes.
type watchers struct {
	mu sync.RWMutex // held for reading while f is called, so stop returns after the last call
	fs map[*watcher]struct{}
}

type watcher struct{ f func(apikey.Change) }

func (w *watchers) tell(c apikey.Change) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	for one := range w.fs {
		one.f(c)
	}
}

// Watch implements [apikey.Watcher]. stop waits for calls of f that have begun, so f must
// not call it.
func (s *Store) Watch(f func(apikey.Change)) (stop func()) {
	w, one := &s.watchers, &watcher{f}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fs == nil {
		w.fs = make(map[*watcher]struct{})
	}
	w.fs[one] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.fs, one)
	}
}

// Heartbeat implements [apikey.Watcher]. It is 0: nobody but this process can write, so
// silence is fresh.
func (s *Store) Heartbeat() time.Duration { return 0 }
