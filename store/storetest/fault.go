package storetest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Fault makes one call to a store fail, take its time, or lose its caller, for tests of what is
// built on a store:
//
//	for n := 1; ; n++ {
//		fault := &storetest.Fault{Call: n}
//		s := fault.Wrap(memstore.New())
//		// … use s, and see that a failure is never taken for success
//		if fault.Calls() < n {
//			break // every call has had its turn
//		}
//	}
//
// With Hold or Cancel and without Err, the call is done and answers what the store answers.
//
// The zero value lets every call pass and counts them. It is safe for concurrent use, its
// fields are set before Wrap.
type Fault struct {
	Call  int   // which call it is, counted from 1 over all methods of all stores wrapped; 0: none
	After bool  // the call is done before it fails: a write that was committed and seems not to be
	Err   error // what it answers; nil, without Hold and Cancel: an error that matches nothing

	// Hold delays the call: it is called once, with the context that the store sees, and the call
	// waits until it returns. That is before the call is done, or with After when it is done and
	// has yet to return; then, if the context has ended meanwhile, its error is the answer.
	Hold func(ctx context.Context)

	// Cancel ends the context that the store sees in this call, and the callers' that are from
	// Context.
	Cancel Cancel

	calls   atomic.Int64
	mu      sync.Mutex
	callers []context.CancelFunc
}

// Cancel is when the context of a call ends.
type Cancel int

// What a caller who goes away may find out, or not.
const (
	CancelNever  Cancel = iota
	CancelBefore        // the store is called with a context that has ended
	CancelDuring        // while the store is at work, at an instant that nobody chooses; at the latest before it returns
	CancelAfter         // the call is done, and its answer reaches a caller who has gone
)

var errFault = errors.New("storetest: fault")

// Calls returns how many calls to methods of [github.com/seed-d3a9fb6b/apikey.Store]
// and of ChangeLog there were.
func (f *Fault) Calls() int { return int(f.calls.Load()) }

// Context returns a context for one who calls what is built on the store. It ends as Cancel says,
// and as parent does. One that is made after that call ends as parent does only.
func (f *Fault) Context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.callers = append(f.callers, cancel)
	return ctx, cancel
}

// leave ends the contexts of all callers that there are.
func (f *Fault) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cancel := range f.callers {
		cancel()
	}
}

// do calls the store, and does to the call whose turn it is what the fields say.
func (f *Fault) do(ctx context.Context, call func(context.Context) error) error {
	if f.calls.Add(1) != int64(f.Call) {
		return call(ctx)
	}
	failure := f.Err
	if failure == nil && f.Hold == nil && f.Cancel == CancelNever {
		failure = errFault
	}
	if failure != nil && !f.After {
		call = func(context.Context) error { return nil }
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if f.Hold != nil && !f.After {
		f.Hold(ctx)
	}
	err := f.leaving(ctx, func() { f.leave(); cancel() }, call)
	if f.Hold != nil && f.After {
		f.Hold(ctx)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	if failure != nil {
		return failure
	}
	return err
}

// leaving has the call done, and end called when Cancel says.
func (f *Fault) leaving(ctx context.Context, end func(), call func(context.Context) error) error {
	switch f.Cancel {
	case CancelBefore:
		end()
	case CancelDuring:
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			end()
		}()
		defer func() { <-ended }()
	case CancelAfter:
		defer end()
	}
	return call(ctx)
}
