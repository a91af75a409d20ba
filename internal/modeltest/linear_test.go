package modeltest_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestLinearizable is the promise that a change is final: after Revoke, Rotate, Update or Delete
// through a Store value returns, no Verify, Lookup or Recognize on that value that starts later
// goes by the old state; on other values, once their feed has told of it. Three keys in four
// have never been looked at when their changes begin: a cache that checks first and fills
// later is wrong in no other place.
func TestLinearizable(t *testing.T) {
	calls := 0
	for _, driver := range []struct {
		name      string
		histories int
		run       func(*testing.T, func(*world, func()), *rand.Rand) *act
	}{{"free", 200, free}, {"scheduled", 400, scheduled}} {
		for _, v := range variants {
			t.Run(driver.name+"/"+v.name, func(t *testing.T) {
				seed := newSeed(t)
				for n := range driver.histories {
					a := driver.run(t, v.build, rand.New(rand.NewPCG(seed, uint64(n))))
					if why := a.h.illegal(len(a.w.processes)); why != "" {
						t.Fatal(why)
					}
					calls += len(a.h.events)
				}
			})
		}
	}
	t.Logf("%d calls", calls)
}

// free lets goroutines run as they may, on all cores; their store calls yield at random.
func free(t *testing.T, build func(*world, func()), rng *rand.Rand) *act {
	var stops atomic.Uint64
	seed := rng.Uint64()
	w := &world{t: t, staleness: time.Hour}
	build(w, func() {
		for range rand.New(rand.NewPCG(seed, stops.Add(1))).IntN(16) {
			runtime.Gosched()
		}
	})
	defer w.close()
	a := newAct(w, rng)
	if rng.IntN(4) == 0 {
		a.warm()
	}

	var clients sync.WaitGroup
	start := make(chan struct{})
	client := func(calls ...func()) {
		clients.Go(func() {
			<-start
			for _, call := range calls {
				call()
			}
		})
	}
	for range 4 {
		client(a.someLook(), a.someLook(), a.someLook())
	}
	client(a.someChange(), a.someLook(), a.someLook())
	client(a.someLook(), a.someChange(), a.someChange(), a.someLook())
	if p := a.somePoll(); p != nil {
		client(p, a.somePoll())
	}
	close(start)
	clients.Wait()
	return a
}

// stops is where the calls of a schedule wait until it is their turn.
type stops struct {
	mu      sync.Mutex
	off     bool
	waiting []chan struct{}
}

func (s *stops) stop() {
	s.mu.Lock()
	if s.off {
		s.mu.Unlock()
		return
	}
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.mu.Unlock()
	<-turn
}

func (s *stops) set(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = off
}

// next lets one call go on, unless none waits.
func (s *stops) next(rng *rand.Rand) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return false
	}
	i, turn := pick(rng, s.waiting)
	s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
	close(turn)
	return true
}

// scheduled runs one call at a time, from stop to stop, in an order that is drawn. So a call can
// be held for as long as all the others take, which on free cores is rare.
func scheduled(t *testing.T, build func(*world, func()), rng *rand.Rand) (a *act) {
	synctest.Test(t, func(t *testing.T) {
		s := &stops{off: true}
		// Some silences, and nobody has yet given up waiting for a store that is not scheduled.
		w := &world{t: t, staleness: 101 * time.Millisecond}
		build(w, s.stop)
		defer w.close()
		a = newAct(w, rng)
		if rng.IntN(4) == 0 {
			a.warm()
		}
		s.set(false)

		calls := []func(){a.someLook(), a.someChange(), a.someLook(), a.someChange(), a.someChange()}
		for range 7 {
			calls = append(calls, a.someLook())
		}
		if p := a.somePoll(); p != nil {
			calls = append(calls, p, a.somePoll())
		}
		rng.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		for {
			synctest.Wait()
			switch {
			case len(calls) > 0 && rng.IntN(3) == 0:
				go calls[0]()
				calls = calls[1:]
			case w.processes[0].feed != nil && rng.IntN(40) == 0:
				// No feed is trusted any more, until it is polled again.
				a.h.record(0, input{kind: silence}, func() output { time.Sleep(w.staleness + 1); return output{} })
			case !s.next(rng) && len(calls) == 0:
				return
			}
		}
	})
	return a
}
