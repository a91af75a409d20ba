package pgstore

import (
	"slices"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
)

// watchers are who wants to hear of changes.
type watchers struct {
	mu  sync.Mutex
	all []*watcher // copied to be changed
}

type watcher struct {
	mu sync.RWMutex // shared while f runs, so that stop can wait for it
	f  func(apikey.Change)
}

// Watch calls f for every change through s, in the goroutine that makes it, for those of others, and for Close. After
// stop has returned f is not running and will not be called; so f must not call stop, which
// would wait for itself. See [apikey.Watcher].
func (s *Store) Watch(f func(apikey.Change)) (stop func()) {
	w := &watcher{f: f}
	s.watchers.mu.Lock()
	s.watchers.all = append(slices.Clip(s.watchers.all), w)
	s.watchers.mu.Unlock()
	select {
	case s.feed.wake <- struct{}{}:
	default:
	}
	return func() {
		s.watchers.mu.Lock()
		s.watchers.all = slices.DeleteFunc(slices.Clone(s.watchers.all), func(x *watcher) bool { return x == w })
		s.watchers.mu.Unlock()
		w.mu.Lock()
		w.f = nil
		w.mu.Unlock()
	}
}

func (ws *watchers) any() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.all) > 0
}

// tell calls all watchers. Nothing of the store is locked meanwhile.
func (ws *watchers) tell(c apikey.Change) {
	ws.mu.Lock()
	all := ws.all
	ws.mu.Unlock()
	for _, w := range all {
		w.tell(c)
	}
}

func (w *watcher) tell(c apikey.Change) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.f != nil {
		w.f(c)
	}
}
