package hash

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// ErrBusy is what [Gate.Do] returns without running anything, when the queue
// is full or the wait is over. It means overload: try again later.
var ErrBusy = errors.New("hash: busy: the queue is full or the wait is over")

// Gate bounds how many pieces of work run at a time, and so how much memory
// and processor time argon2 takes. Work that finds no permit free waits in a
// queue, which is bounded too. Its places go to who comes first, whatever the
// id; its turns go round the ids, so none of them waits for all the work of
// another.
//
// A permit belongs to the work and not to the caller: a caller who goes away
// can't stop argon2, so the permit is free only when the work has ended. If
// it were free when the caller leaves, clients that connect and hang up could
// start any number of runs.
//
// A Gate is safe for concurrent use. The zero Gate refuses everything; use
// [NewGate]. A Gate has no goroutine of its own and needs no closing.
type Gate struct {
	permits  int
	capacity int // of the queue
	wait     time.Duration

	mu      sync.Mutex // guards all below
	running int
	queue   queue // empty while a permit is free
	runs    uint64
	waits   uint64
	refused uint64
}

// GateStats is a snapshot of a [Gate]. The first three only grow.
type GateStats struct {
	Runs    uint64 // pieces of work begun
	Waits   uint64 // calls of Do that had to queue
	Refused uint64 // calls of Do that returned ErrBusy, and of Refuse that returned true
	Running int    // permits taken now: work running or about to begin
	Queued  int    // callers in the queue now
}

// NewGate returns a gate for permits pieces of work at a time and a queue of
// queue callers, each of whom waits for at most wait.
//
// Zero stands for the default: permits for one core less than GOMAXPROCS, so
// that one is left for everything else, but at least one; a queue of 1024; a
// wait of 5 seconds. A negative value is an error.
func NewGate(permits, queue int, wait time.Duration) (*Gate, error) {
	if permits < 0 || queue < 0 || wait < 0 {
		return nil, errors.New("hash: a gate's permits, queue and wait can't be negative")
	}
	if permits == 0 {
		permits = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if queue == 0 {
		queue = 1024
	}
	if wait == 0 {
		wait = 5 * time.Second
	}
	return &Gate{permits: permits, capacity: queue, wait: wait, queue: newQueue()}, nil
}

// Do runs f in a goroutine of its own as soon as a permit is free, and
// returns nil when f has returned. Callers for whom none is free wait in the
// queue: first come, first served within an id, and the ids take turns.
//
// If ctx ends, Do returns [context.Cause] of it at once. If f had no permit
// yet, it never runs. If it had, it runs to its end and keeps the permit until
// then: the caller must not touch what f uses. A caller who has to wait for
// such work counts it in a [sync.WaitGroup] and has f call Done.
//
// Do returns [ErrBusy], and f never runs, if the queue is full or no permit
// came in time.
//
// A panic of f becomes a panic of Do, with an error that gives the value and
// the stack of the first, and wraps the value if that is an error. If the
// caller is gone, nobody is left to take it, and it ends the program as in any
// goroutine. If f calls [runtime.Goexit], so does Do.
//
// f must not call Do on the same gate: it would wait for its own permit.
func (g *Gate) Do(ctx context.Context, id [16]byte, f func()) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := g.enter(ctx, id); err != nil {
		return err
	}
	w := &work{ended: make(chan struct{})}
	go w.run(f, g.leave)
	return w.await(ctx)
}

// Refuse reports whether the queue is full, so that Do would return [ErrBusy] at once, and if it is,
// counts that as a call of Do that did. It is for who would start a goroutine for Do: when many
// come at once, what each of them does to be refused is what the others wait for.
func (g *Gate) Refuse() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	full := g.full()
	if full {
		g.refused++
	}
	return full
}

// full: no permit is free, and no place in the queue. The lock is held.
func (g *Gate) full() bool { return g.running >= g.permits && g.queue.len >= g.capacity }

// enter takes a permit, in the queue if none is free.
func (g *Gate) enter(ctx context.Context, id [16]byte) error {
	g.mu.Lock()
	if g.running < g.permits { // The queue is empty: nobody is overtaken.
		g.running++
		g.runs++
		g.mu.Unlock()
		return nil
	}
	if g.full() {
		g.refused++
		g.mu.Unlock()
		return ErrBusy
	}
	g.waits++
	w := g.queue.push(id)
	g.mu.Unlock()

	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-w.granted:
	case <-ctx.Done():
	case <-timer.C:
	}

	// More than one of the three may have come; only the lock tells whether
	// w was given a permit. If it was and ctx has ended, the permit must go
	// on, or it would be lost and the gate narrower for ever.
	ended := ctx.Err() != nil
	g.mu.Lock()
	defer g.mu.Unlock()
	queued := w.place != nil
	switch {
	case ended && queued:
		g.queue.remove(w)
		return context.Cause(ctx)
	case ended:
		g.pass()
		return context.Cause(ctx)
	case queued:
		g.queue.remove(w)
		g.refused++
		return ErrBusy
	}
	g.runs++
	return nil
}

// leave gives a permit back.
func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

// pass hands a permit to the waiter whose turn it is, and frees it only if
// there is none. So a permit is never free while somebody waits. The lock is
// held.
func (g *Gate) pass() {
	if w := g.queue.pop(); w != nil {
		close(w.granted)
		return
	}
	g.running--
}

// Stats returns a snapshot.
func (g *Gate) Stats() GateStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return GateStats{Runs: g.runs, Waits: g.waits, Refused: g.refused, Running: g.running, Queued: g.queue.len}
}
