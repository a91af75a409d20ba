package sts

import (
	"context"
	"errors"
	"sync"
	"time"
)

// refresher does one fetch at a time, whoever wants it, and not in the goroutine of who does: the result is
// everybody's.
type refresher struct {
	ctx     context.Context // ends all
	wait    time.Duration   // for one fetch
	fetch   func(context.Context) error
	running sync.WaitGroup

	mu     sync.Mutex
	now    *attempt  // nil: none is under way
	began  time.Time // the last that has ended
	failed error     // how that one failed
	closed bool
}

// fetchPause is what follows on a fetch that failed.
const fetchPause = 100 * time.Millisecond

type attempt struct {
	done chan struct{}
	err  error // when done
}

// do waits for a fetch, which it begins unless one is under way. After one that failed the next pauses.
func (f *refresher) do(ctx context.Context) error {
	a := f.start()
	if a == nil {
		return errClosed
	}
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start returns the fetch that is under way, and begins one if there is none; nil: it is closed.
func (f *refresher) start() *attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != nil || f.closed {
		return f.now
	}
	a, pause := &attempt{done: make(chan struct{})}, time.Duration(0)
	if f.failed != nil {
		pause = fetchPause
	}
	f.now = a
	f.running.Go(func() { f.run(a, pause) })
	return a
}

func (f *refresher) run(a *attempt, pause time.Duration) {
	select {
	case <-time.After(pause):
	case <-f.ctx.Done():
	}
	ctx, cancel := context.WithTimeoutCause(f.ctx, f.wait, errSlow)
	defer cancel()
	began := time.Now()
	a.err = f.fetch(ctx)
	f.mu.Lock()
	f.now, f.began, f.failed = nil, began, a.err
	f.mu.Unlock()
	close(a.done)
}

var errSlow = errors.New("the service took too long to answer")

// last reports whether a fetch began so short a time ago and has ended, and how the last ended.
func (f *refresher) last(within time.Duration) (recent bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now == nil && !f.began.IsZero() && since(f.began) < within, f.failed
}

func (f *refresher) failing() bool {
	_, err := f.last(0)
	return err != nil
}

// close waits for the fetch under way, and lets no other begin. ctx has ended.
func (f *refresher) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.running.Wait()
}
