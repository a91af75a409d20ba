package storetest

import (
	"io"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// fresh: a feed that has a heartbeat beats. There is one watcher, the store's first: watchers
// may share a feed, and the Gap of its first poll is not sent again for those who come later.
func fresh(t testing.TB, s apikey.Store) {
	beat := watcher(t, s).Heartbeat()
	if beat < 0 {
		t.Fatalf("Heartbeat is %v", beat)
	}
	start := time.Now()
	w := watch(t, s)
	if beat == 0 {
		mustReplace(t, s, mustCreate(t, s, record(1)))
	} else {
		w.waitFresh(t, start, 10*beat+10*time.Second) // far above a few, for machines under load
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	distrusted := false
	for i, c := range w.changes {
		distrusted = distrusted || c.Gap
		switch {
		case c.Fresh.IsZero():
			continue
		case !distrusted:
			t.Errorf("the first Fresh came before a Gap; else what was read before the feed began is trusted")
		case c.Fresh == c.Fresh.Round(0):
			t.Errorf("Fresh has no monotonic reading; else it is wrong once the clock is set")
		case c.Fresh.After(w.at[i]):
			t.Errorf("Fresh is in the future; it is taken before the feed is read, else a change in between is missed")
		}
		distrusted = true // once is enough
	}
}

// waitFresh waits for a Fresh that is later than after, at most d.
func (w *told) waitFresh(t testing.TB, after time.Time, d time.Duration) {
	t.Helper()
	limit := time.NewTimer(d)
	defer limit.Stop()
	for {
		w.mu.Lock()
		for _, c := range w.changes {
			if c.Fresh.After(after) {
				w.mu.Unlock()
				return
			}
		}
		w.mu.Unlock()
		select {
		case <-w.more:
		case <-limit.C:
			t.Fatalf("no Fresh of a time after the call to Watch came within %v; else a Verifier reads every record at every call", d)
		}
	}
}

// closeIsAGap: what was read from a store that is closed is not trusted for ever.
func closeIsAGap(t testing.TB, s apikey.Store) {
	c, ok := s.(io.Closer)
	if !ok {
		t.Skip("this store has no Close")
	}
	a, b := watch(t, s), watch(t, s)
	before := [2]int{a.gaps(), b.gaps()}
	if err := c.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if a.gaps() == before[0] || b.gaps() == before[1] {
		t.Errorf("Close returned before a watcher was told of a Gap; else keys are accepted for ever on what was read before, since nothing can tell of a change now")
	}
	watcher(t, s).Watch(func(apikey.Change) {})() // neither panics nor hangs
}
