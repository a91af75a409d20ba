package hash

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// work is one run of a function and the caller who waits for it, perhaps not
// to its end.
type work struct {
	// settled is set once, either by the end of the function or by the
	// caller who leaves. Whichever is first decides whether the caller hears
	// of the end, so no panic falls between the two.
	settled atomic.Bool

	ended    chan struct{} // closed at the end, if the caller waits
	returned bool          // f returned: it neither panicked nor called Goexit
	panicked *panicError   // f panicked
}

// run calls f and, whichever way f ends, leave.
func (w *work) run(f, leave func()) {
	defer func() {
		leave()
		if !w.settled.CompareAndSwap(false, true) {
			return // The caller is gone: a panic goes on and ends the program.
		}
		if !w.returned {
			if v := recover(); v != nil {
				w.panicked = &panicError{value: v, stack: debug.Stack()}
			}
		}
		close(w.ended)
	}()
	f()
	w.returned = true
}

// await returns when the function has ended or, with the cause, when ctx has.
func (w *work) await(ctx context.Context) error {
	select {
	case <-w.ended:
	case <-ctx.Done():
		if w.settled.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		<-w.ended // The end came first.
	}
	if w.panicked != nil {
		panic(w.panicked)
	}
	if !w.returned {
		runtime.Goexit()
	}
	return nil
}

// panicError is a panic on its way from the goroutine of a function to its
// caller's, with the stack that would be lost otherwise.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("hash: panic behind the gate: %v\n\n%s", e.value, e.stack)
}

// Unwrap returns the value if it is an error.
func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}
