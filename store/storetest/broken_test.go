package storetest_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// A suite is worth what it catches. Each broken store is a good one with one mistake, and the
// clause beside it must fail. Each clause has a store that it catches.

type broken struct {
	clause  string
	mistake string
	store   apikey.Store
}

func TestBrokenStores(t *testing.T) {
	wantEachCaught(t, storetest.StoreClauses, slices.Concat(brokenRecords(), brokenFields(), brokenUniqueness(),
		brokenLists(), brokenUses(), brokenValues(), brokenContexts()))
}

func TestBrokenWatchers(t *testing.T) {
	wantEachCaught(t, storetest.WatcherClauses, brokenWatchers())
}

func wantEachCaught(t *testing.T, clauses []storetest.Clause, all []broken) {
	caught := make(map[string]bool)
	for _, b := range all {
		t.Run(b.clause+"/"+b.mistake, func(t *testing.T) {
			i := slices.IndexFunc(clauses, func(c storetest.Clause) bool { return c.Name() == b.clause })
			wantCaught(t, func(t testing.TB) { clauses[i].Check(t, b.store) })
			caught[b.clause] = true
		})
	}
	for _, c := range clauses {
		if !caught[c.Name()] {
			t.Errorf("no broken store shows that %s catches anything", c.Name())
		}
	}
}

// wantCaught fails t unless check fails the test that it is given.
func wantCaught(t *testing.T, check func(testing.TB)) {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() { // of its own, for FailNow to end
		defer close(done)
		defer func() {
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
		}()
		check(r)
	}()
	<-done
	if len(r.failures) == 0 {
		t.Error("the suite did not see it")
		return
	}
	t.Log(r.failures[0])
}

// recorder is a testing.TB whose failures are kept and fail nothing.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }
func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }
func (r *recorder) Skip(...any)       { runtime.Goexit() }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }

// gap is where a store that is not atomic can be interrupted.
type gap struct{ entered atomic.Int32 }

// wait waits until someone else is in the gap, too, but not for ever. It reports whether
// someone came.
func (g *gap) wait() bool {
	me := g.entered.Add(1)
	for range 5000 {
		if g.entered.Load() != me {
			return true
		}
		runtime.Gosched()
	}
	return false
}
