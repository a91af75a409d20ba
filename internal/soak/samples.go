package main

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

type kind int

const (
	live    kind = iota // a Verify of a key that may be in the cache
	again               // the same at once again
	cold                // one by a Verifier that just began
	forgery             // of a forged text
	create
	revoke
	kinds
)

var kindNames = [kinds]string{"Verify", "Verify again", "Verify after a restart", "Verify of a forgery", "Create", "Revoke"}

// sampled is how many times of a kind are kept of a tenth, an even choice of all (Vitter, algorithm R).
const sampled = 20_000

type samples struct {
	kinds [kinds]struct {
		mu    sync.Mutex
		seen  int
		times []time.Duration
	}
}

func (s *samples) add(k kind, d time.Duration) {
	of := &s.kinds[k]
	of.mu.Lock()
	defer of.mu.Unlock()
	of.seen++
	if of.times == nil {
		of.times = make([]time.Duration, 0, sampled) // all of it at once: it must not look like growth
	}
	if len(of.times) < sampled {
		of.times = append(of.times, d)
	} else if n := rand.IntN(of.seen); n < sampled {
		of.times[n] = d
	}
}

// take returns how many calls there were of a kind since the last take, and the time that 99 of 100 were within.
func (s *samples) take(k kind) (calls int, p99 time.Duration) {
	of := &s.kinds[k]
	of.mu.Lock()
	defer of.mu.Unlock()
	if calls = of.seen; len(of.times) > 0 {
		slices.Sort(of.times)
		p99 = of.times[(len(of.times)-1)*99/100]
	}
	of.seen, of.times = 0, of.times[:0]
	return calls, p99
}
