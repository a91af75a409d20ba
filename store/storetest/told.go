package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// told keeps what a watcher was told.
type told struct {
	mu      sync.Mutex
	changes []apikey.Change
	at      []time.Time   // when each was told
	more    chan struct{} // has room for one and gets one at each change; may be nil
}

func (w *told) tell(c apikey.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, c)
	w.at = append(w.at, time.Now())
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// count returns how often id was told.
func (w *told) count(id apikey.ID) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.changes {
		if c.ID == id {
			n++
		}
	}
	return n
}

func (w *told) gaps() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.changes {
		if c.Gap {
			n++
		}
	}
	return n
}

func watcher(t testing.TB, s apikey.Store) apikey.Watcher {
	t.Helper()
	w, ok := s.(apikey.Watcher)
	if !ok {
		t.Fatalf("%T does not implement apikey.Watcher", s)
	}
	return w
}

// watch watches s until the test ends.
func watch(t testing.TB, s apikey.Store) *told {
	t.Helper()
	w := &told{more: make(chan struct{}, 1)}
	t.Cleanup(watcher(t, s).Watch(w.tell))
	return w
}

// wantTold fails t unless do makes w hear of id before it returns.
func wantTold(t testing.TB, w *told, call string, id apikey.ID, do func() error, want error) {
	t.Helper()
	before := w.count(id)
	err := do()
	if w.count(id) == before {
		t.Errorf("%s returned before the watcher was told of it; else a Verify that starts now accepts the old state", call)
	}
	if !errors.Is(err, want) {
		t.Errorf("%s answered %s, want %s", call, text(err), text(want))
	}
}
