package modeltest_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// feeds are the ways in which a process may hear of what others change.
var feeds = []struct {
	name string
	open opener
}{{"listening", listening}, {"polling", polling}, {"cut off", cutOff}, {"slow line", slowLine}}

// TestBoundAcrossProcesses is the promise that a change through PostgreSQL is final: on the Store value that made it
// when it has returned, on the others for every call that begins more than MaxStaleness later, whatever becomes
// meanwhile of the connection by which they hear of it. Time is the real one, since the server's can be no other.
func TestBoundAcrossProcesses(t *testing.T) {
	for _, feed := range feeds {
		t.Run(feed.name, func(t *testing.T) {
			w := threeProcesses(t, feed.open)
			calls, why := atOnce(w, newSeed(t), 60)
			if why != "" {
				t.Fatal(why)
			}
			warm := w.warm()
			t.Logf("%d calls, of which Verifiers answered %d from memory", calls, warm)
			if warm == 0 {
				t.Error("Verifiers answered no call from memory: where they always read, a bound tests nothing")
			}
		})
	}
}

// TestBrokenFeedsAreFound: the histories are such that the usual mistakes of a feed show in them.
func TestBrokenFeedsAreFound(t *testing.T) {
	for _, feed := range []struct {
		name string
		open opener
	}{{"tells not of what was changed", deaf}, {"says that it is fresh when it has been", boastful}} {
		t.Run(feed.name, func(t *testing.T) {
			t.Parallel()
			_, why := atOnce(threeProcesses(t, feed.open), newSeed(t), 40)
			if !strings.Contains(why, "are illegal") {
				t.Errorf("what is wrong with the feed shows in no history; the checker says %q", why)
			}
		})
	}
}

// atOnce plays histories, some at the same time, each on a key of its own. It returns how many calls there were, and
// what the model has against the first that is not legal.
func atOnce(w *world, seed uint64, histories int) (calls int, why string) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for first := range 20 {
		all.Go(func() {
			for n := first; n < histories; n += 20 {
				mu.Lock()
				over := why != ""
				mu.Unlock()
				if over {
					return
				}
				a := timed(w, rand.New(rand.NewPCG(seed, uint64(n))))
				found := a.h.illegal(len(w.processes))
				mu.Lock()
				calls += len(a.h.events)
				if why == "" {
					why = found
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return calls, why
}

// timed plays a history that goes on until its changes, of which there are four, are final everywhere.
func timed(w *world, rng *rand.Rand) *act {
	a := newAct(w, rng)
	if rng.IntN(4) > 0 {
		a.warmAll()
	}
	var writers, readers sync.WaitGroup
	final := make(chan struct{})
	for range 2 {
		var calls []func()
		for range 2 {
			after := time.Duration(rng.Int64N(int64(shortBound)))
			change := a.someChange()
			calls = append(calls, func() {
				<-time.After(after)
				change()
				<-time.After(w.staleness) // the first instant at which it has to be known to all
				a.warmAll()
			})
		}
		writers.Go(func() { inOrder(calls) })
	}
	for range 6 {
		var calls []func()
		for range 30 {
			after := time.Duration(rng.Int64N(int64(shortBound / 4)))
			look := a.someLook()
			calls = append(calls, func() {
				select {
				case <-final:
				case <-time.After(after):
					look()
				}
			})
		}
		readers.Go(func() { inOrder(calls) })
	}
	writers.Wait()
	close(final)
	readers.Wait()
	return a
}

func inOrder(calls []func()) {
	for _, call := range calls {
		call()
	}
}

// warm is how many calls were answered from memory.
func (w *world) warm() (calls uint64) {
	for _, p := range w.processes {
		for _, v := range p.verifiers {
			calls += v.(*apikey.Verifier).Stats().Warm
		}
	}
	return calls
}

// warmAll has every Verifier look at the first secret.
func (a *act) warmAll() {
	for i, p := range a.w.processes {
		for _, v := range p.verifiers {
			a.look(i, v, verify, true)()
		}
	}
}
