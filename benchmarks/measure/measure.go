// Package measure puts contenders beside each other in one run.
//
// Machines drift: clocks change, neighbours come and go. So contenders take turns, a short slice
// of time each, and what counts is their ratio within one round, never a time of one against a
// time of another from elsewhere.
package measure

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Loop does calls from, from+1, … from+n-1 of what is measured. It has the loop inside, so that
// what is measured is called as directly as a program would. Several workers may be in it at
// once, at different places. An error ends the run.
type Loop func(from, n int) error

// Contender is one side of a comparison.
type Contender struct {
	Name    string
	Workers int // goroutines that call it at once; 0 is 1
	Loop    Loop

	stride int   // calls between two looks at the clock
	next   []int // where each worker goes on
}

// Sample is what one contender did in one round.
type Sample struct {
	Calls  int
	Nanos  float64 // a call, of all workers together: 1 / throughput
	Allocs float64 // a call, of the whole process
}

// Series are the samples of one contender, one for each round.
type Series []Sample

// Options say how long to measure.
type Options struct {
	Rounds int
	Slice  time.Duration // for each contender in each round
}

// glance is about how long a contender runs without a look at the clock.
const glance = 20 * time.Microsecond

// Run measures the contenders in turn. The order is turned round and reversed from round to
// round, so that nobody always comes after the same neighbour. Each contender first runs for a
// slice that does not count.
func (o Options) Run(ctx context.Context, contenders ...*Contender) ([]Series, error) {
	runtime.GC()
	for _, c := range contenders {
		c.stride = 1
		c.next = make([]int, max(1, c.Workers))
		for w := range c.next {
			c.next[w] = w * 7919 // workers are apart, and a prime keeps them so
		}
		if err := c.calibrate(o.Slice); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	all := make([]Series, len(contenders))
	for round := range o.Rounds {
		for turn := range contenders {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			at := (turn + round/2) % len(contenders)
			if round%2 == 1 {
				at = len(contenders) - 1 - at
			}
			s, err := contenders[at].run(o.Slice)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[at].Name, err)
			}
			all[at] = append(all[at], s)
		}
	}
	return all, nil
}

// calibrate runs the contender in one worker for a slice and finds its stride.
func (c *Contender) calibrate(slice time.Duration) error {
	for start := time.Now(); time.Since(start) < slice; {
		before := time.Now()
		if err := c.Loop(c.next[0], c.stride); err != nil {
			return err
		}
		c.next[0] += c.stride
		if took := time.Since(before); took < glance/2 && c.stride < 1<<16 {
			c.stride *= 2
		}
	}
	return nil
}

// run lets all workers run until the slice is over, each until the end of the stride it is in.
// Each worker's speed is its own calls by its own time, so that one who ends later is not
// counted as if the others had waited.
func (c *Contender) run(slice time.Duration) (Sample, error) {
	type result struct {
		calls int
		took  time.Duration
		err   error
	}
	workers := len(c.next)
	results := make([]result, workers)
	work := func(w int) {
		at, start := c.next[w], time.Now()
		for {
			if err := c.Loop(at, c.stride); err != nil {
				results[w].err = err
				return
			}
			at += c.stride
			if took := time.Since(start); took >= slice {
				results[w].calls, results[w].took = at-c.next[w], took
				c.next[w] = at
				return
			}
		}
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if workers == 1 {
		work(0)
	} else {
		var wg sync.WaitGroup
		start := make(chan struct{})
		for w := range workers {
			wg.Go(func() { <-start; work(w) })
		}
		close(start)
		wg.Wait()
	}
	runtime.ReadMemStats(&after)

	var s Sample
	var speed float64 // calls a nanosecond
	for _, r := range results {
		if r.err != nil {
			return Sample{}, r.err
		}
		s.Calls += r.calls
		speed += float64(r.calls) / float64(r.took)
	}
	s.Nanos = 1 / speed
	s.Allocs = float64(after.Mallocs-before.Mallocs) / float64(s.Calls)
	return s, nil
}
