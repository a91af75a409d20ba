package pgstore_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// watcher keeps what it is told.
type watcher struct {
	mu    sync.Mutex
	all   []apikey.Change
	heard chan struct{} // holds one element when there is something new
}

func newWatcher() *watcher { return &watcher{heard: make(chan struct{}, 1)} }

func (w *watcher) tell(c apikey.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, c)
	select {
	case w.heard <- struct{}{}:
	default:
	}
}

func (w *watcher) told() []apikey.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// await waits until a change is told that is.
func (w *watcher) await(t *testing.T, what string, is func(apikey.Change) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	for !slices.ContainsFunc(w.told(), is) {
		select {
		case <-w.heard:
		case <-ctx.Done():
			t.Fatalf("nobody is told %s", what)
		}
	}
}

// awaitFresh waits until all that was committed before this call has been told.
func (w *watcher) awaitFresh(t *testing.T) {
	t.Helper()
	now := time.Now()
	w.await(t, "that all is told", func(c apikey.Change) bool { return c.Fresh.After(now) })
}

func isOf(id apikey.ID) func(apikey.Change) bool {
	return func(c apikey.Change) bool { return c.ID == id }
}

// warned is a Logger's handler that says when it was warned.
type warned chan string

func (w warned) Enabled(context.Context, slog.Level) bool { return true }
func (w warned) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w warned) WithGroup(string) slog.Handler            { return w }
func (w warned) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	select {
	case w <- text:
	default:
	}
	return nil
}

func slogOf(h slog.Handler) *slog.Logger { return slog.New(h) }

func containsAll(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}
