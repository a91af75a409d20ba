// Package openloop sends requests at a fixed rate, whatever becomes of them, and counts each
// one's latency from the instant at which it was to start.
//
// A closed loop, which sends a request when the one before has ended, waits together with a
// server that stalls: it sends nothing meanwhile, and a stall of a second is one slow request
// among a hundred thousand. Real clients do not wait for each other. Here the requests that
// fall into a stall are sent when it is over, and their latency says how late that was.
package openloop

import (
	"context"
	"errors"
	"time"
)

// Load is traffic at a fixed rate.
//
// The goroutine that calls Run keeps the time and makes the requests, one after the other. With
// Spin it takes a core for itself, also while nothing else runs: so a machine needs two cores,
// and what is compared with each other has the same pacer in both. It is a hard test: a server that waits for
// requests leaves its core to whoever needs it, to the garbage collector among others, which
// here has to take it away from the pacer.
//
// Why not a goroutine for each request: it would be put into the run queue of the core on which the pacer
// spins, and run when the other core is done with what it does. That would measure how Go
// schedules beside a pacer, which no server has. Why not a ticker or time.Sleep: they are late by half a
// millisecond at the median, and a warm verification takes less than one thousandth of that.
//
// Why not a thread of its own, runtime.LockOSThread: sysmon preempts a goroutine that has run for
// 10 ms, whether another waits or not. One that is bound to no thread goes on at once; for one that is,
// two threads have to be woken, over 100 µs, and again in every phase of a garbage collection. Why not yield
// between requests: the core goes to the argon2 that is next, and back when that has had its 10 ms.
type Load struct {
	Rate int           // requests a second
	For  time.Duration // how long
	// Wait returns at this time, or at once if it is past; nil: Spin.
	Wait func(time.Time)
}

// Spin waits by reading the clock: it is late by less than a reading, some 50 ns.
func Spin(until time.Time) {
	for time.Until(until) > 0 {
	}
}

// Run sends the requests and returns their latencies, in the order of their starts. If ctx ends
// first, it stops, but not before it has made what was due until then: those who waited
// longest would be missing otherwise.
func (l Load) Run(ctx context.Context, request func(i int)) (Latencies, error) {
	if l.Rate < 1 || l.For <= 0 {
		return nil, errors.New("openloop: a load needs a rate and a duration")
	}
	wait := l.Wait
	if wait == nil {
		wait = Spin
	}
	taken := make(Latencies, int64(l.For)*int64(l.Rate)/int64(time.Second))
	for i := range taken {
		taken[i] = -1 // has the kernel hand out the pages now, and not in a request
	}
	var ended time.Time
	start := time.Now()
	for i := range taken {
		intended := start.Add(time.Duration(int64(i) * int64(time.Second) / int64(l.Rate)))
		wait(intended)
		if ended.IsZero() && ctx.Err() != nil {
			ended = time.Now()
		}
		if !ended.IsZero() && intended.After(ended) {
			return taken[:i], nil
		}
		request(i)
		taken[i] = time.Since(intended)
	}
	return taken, nil
}
