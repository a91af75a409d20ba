package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// verifiers are the processes that verify.
type verifiers struct {
	alive     context.Context // its end closes the pipes, at which the processes end
	stop      context.CancelFunc
	fail      context.CancelCauseFunc
	processes []*process
	reading   sync.WaitGroup

	mu      sync.Mutex
	told    tally
	changed chan struct{} // holds one element when there is news
}

// tally is what the verifiers have told.
type tally struct {
	ready         int
	warm, refused map[int]int // how many verifiers, by key
	totals        []totals    // of those that have finished
}

// startVerifiers returns when all are ready. If one fails later, fail is called.
func startVerifiers(ctx context.Context, fail context.CancelCauseFunc, n int, s settings) (*verifiers, error) {
	v := &verifiers{fail: fail, changed: make(chan struct{}, 1), told: tally{warm: make(map[int]int), refused: make(map[int]int)}}
	v.alive, v.stop = context.WithCancel(ctx)
	err := v.start(n)
	if err == nil {
		err = v.tell(ctx, s)
	}
	if err == nil {
		err = v.until(ctx, func(t *tally) bool { return t.ready == n })
	}
	if err != nil {
		return nil, errors.Join(err, v.close())
	}
	return v, nil
}

func (v *verifiers) start(n int) error {
	for number := 1; number <= n; number++ {
		p, err := startProcess(v.alive, number)
		if err != nil {
			return fmt.Errorf("start verifier %d: %w", number, err)
		}
		v.processes = append(v.processes, p)
		v.reading.Go(func() { v.read(p) })
	}
	return nil
}

// tell sends the same to all.
func (v *verifiers) tell(ctx context.Context, what any) error {
	for _, p := range v.processes {
		if err := p.orders.Encode(what); err != nil {
			v.fail(fmt.Errorf("tell verifier %d: %w", p.number, err)) // unless it said itself what is wrong
			return context.Cause(ctx)
		}
	}
	return nil
}

// until waits for what the verifiers tell.
func (v *verifiers) until(ctx context.Context, is func(*tally) bool) error {
	for {
		v.mu.Lock()
		done := is(&v.told)
		v.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-v.changed:
		}
	}
}

// totals are those of all, when they have finished.
func (v *verifiers) totals() []totals {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.told.totals
}

// read reads what a verifier tells, until it has ended.
func (v *verifiers) read(p *process) {
	err := v.readEvents(p.events)
	if err != nil && v.alive.Err() == nil {
		v.fail(fmt.Errorf("verifier %d: %w", p.number, err))
	}
	// It says the same as its state, and after the end of alive it says that. That it was killed the state alone says.
	if _ = p.cmd.Wait(); err == nil && !p.cmd.ProcessState.Success() {
		p.ended = fmt.Errorf("verifier %d: %v", p.number, p.cmd.ProcessState)
	}
}

// readEvents returns nil when a verifier has ended that was told to.
func (v *verifiers) readEvents(from io.Reader) error {
	lines, finished := json.NewDecoder(from), false
	for {
		var e event
		switch err := lines.Decode(&e); {
		case err == io.EOF && (finished || v.alive.Err() != nil):
			return nil
		case err == io.EOF:
			return errors.New("it has ended before it was told to")
		case err != nil:
			return fmt.Errorf("read what it tells: %w", err)
		case e.Kind == failed:
			return errors.New(e.Error)
		}
		finished = finished || e.Kind == done
		v.mu.Lock()
		v.told.add(e)
		v.mu.Unlock()
		select {
		case v.changed <- struct{}{}:
		default:
		}
	}
}

func (t *tally) add(e event) {
	switch e.Kind {
	case ready:
		t.ready++
	case warm:
		t.warm[e.Key]++
	case refused:
		t.refused[e.Key]++
	case done:
		t.totals = append(t.totals, e.Totals)
	}
}

// close returns when all processes have ended.
func (v *verifiers) close() error {
	v.stop()
	v.reading.Wait()
	var errs []error
	for _, p := range v.processes {
		errs = append(errs, p.ended)
	}
	return errors.Join(errs...)
}
