// Package watch keeps who wants to hear of a store's changes, for the stores beside it.
package watch

import (
	"slices"
	"sync"

	"github.com/seed-d3a9fb6b/apikey"
)

// Watchers are those who watch a store. The zero value is nobody. Safe for concurrent use.
type Watchers struct {
	mu  sync.Mutex
	all []*watcher // copied to be changed
}

type watcher struct {
	mu sync.RWMutex // shared while f runs, so that stop can wait for it
	f  func(apikey.Change)
}

// Add has f called for what Tell tells. After stop has returned f is not running and will not be
// called; so f must not call stop, which would wait for itself. Calling stop again does nothing.
func (ws *Watchers) Add(f func(apikey.Change)) (stop func()) {
	w := &watcher{f: f}
	ws.mu.Lock()
	ws.all = append(slices.Clip(ws.all), w)
	ws.mu.Unlock()
	return func() {
		ws.mu.Lock()
		ws.all = slices.DeleteFunc(slices.Clone(ws.all), func(x *watcher) bool { return x == w })
		ws.mu.Unlock()
		w.mu.Lock()
		w.f = nil
		w.mu.Unlock()
	}
}

// Any reports whether somebody watches.
func (ws *Watchers) Any() bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.all) > 0
}

// Tell calls all who watch, in the caller's goroutine. Nothing of the Watchers is locked meanwhile
// but what keeps a stop from returning.
func (ws *Watchers) Tell(c apikey.Change) {
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
