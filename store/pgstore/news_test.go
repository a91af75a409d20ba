package pgstore_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// news is what a watcher was told, in order.
type news struct {
	mu   sync.Mutex
	all  []apikey.Change
	more chan struct{}
}

// watch notes what a store tells until the test ends, and waits until it has told the first.
func watch(t testing.TB, s *pgstore.Store) *news {
	t.Helper()
	n := &news{more: make(chan struct{}, 1)}
	t.Cleanup(s.Watch(n.told))
	n.until(t, "the first Fresh", anyFresh)
	return n
}

func (n *news) told(c apikey.Change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = append(n.all, c)
	select {
	case n.more <- struct{}{}:
	default:
	}
}

// sofar returns what was told until now.
func (n *news) sofar() []apikey.Change {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}

// forget returns what was told, and begins anew.
func (n *news) forget() []apikey.Change {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.all
	n.all = nil
	return all
}

// until waits until what was told is so. One goroutine at a time may wait.
func (n *news) until(t testing.TB, what string, is func([]apikey.Change) bool) []apikey.Change {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), tooLong)
	defer cancel()
	for {
		if all := n.sofar(); is(all) {
			return all
		}
		select {
		case <-n.more:
		case <-ctx.Done():
			t.Fatalf("a watcher is not told of it: %s; it was told %v", what, n.sofar())
		}
	}
}

// newer waits until a look that began after the call was told of.
func (n *news) newer(t testing.TB) []apikey.Change {
	t.Helper()
	now := time.Now()
	return n.until(t, "a look at the log that began later", func(all []apikey.Change) bool {
		return slices.ContainsFunc(all, func(c apikey.Change) bool { return c.Fresh.After(now) })
	})
}

func anyFresh(all []apikey.Change) bool {
	return slices.ContainsFunc(all, func(c apikey.Change) bool { return !c.Fresh.IsZero() })
}

func anyGap(all []apikey.Change) bool {
	return slices.ContainsFunc(all, func(c apikey.Change) bool { return c.Gap })
}

func tells(ids ...apikey.ID) func([]apikey.Change) bool {
	return func(all []apikey.Change) bool {
		told := idsOf(all)
		return !slices.ContainsFunc(ids, func(id apikey.ID) bool { return !slices.Contains(told, id) })
	}
}

// idsOf returns the records that were told of, in order.
func idsOf(all []apikey.Change) (ids []apikey.ID) {
	for _, c := range all {
		if !c.ID.IsZero() {
			ids = append(ids, c.ID)
		}
	}
	return ids
}
