package hash_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

var errLeft = errors.New("the caller left")

func TestContextEndedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errLeft)
		g := mustGate(t, 1, 1, 0)
		if err := g.Do(ctx, id("a"), func() { t.Error("ran") }); err != errLeft {
			t.Errorf("with a permit free: %v, want the cause", err)
		}
		release := occupy(t, g)
		if err := g.Do(ctx, id("a"), func() { t.Error("ran") }); err != errLeft {
			t.Errorf("with no permit free: %v, want the cause", err)
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Running: 1})
		release()
	})
}

func TestContextEndsInTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 3, 0)
		release := occupy(t, g)
		ctx, cancel := context.WithCancelCause(t.Context())
		left := func() { t.Error("the work of a caller who left ran") }
		a1, b, a2 := enqueue(ctx, g, "a", left), enqueue(ctx, g, "b", left), enqueue(ctx, g, "a", left)
		start := time.Now()
		cancel(errLeft)
		for _, result := range []<-chan error{a1, b, a2} {
			if err := <-result; err != errLeft {
				t.Errorf("Do = %v, want the cause", err)
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("returned after %v, want at once", waited)
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Waits: 3, Running: 1})

		// No residue: the queue has room for three, and they are served.
		var later []<-chan error
		for _, name := range []string{"a", "b", "c"} {
			later = append(later, enqueue(t.Context(), g, name, func() {}))
		}
		release()
		for _, result := range later {
			if err := <-result; err != nil {
				t.Errorf("later work: %v", err)
			}
		}
		wantStats(t, g, hash.GateStats{Runs: 4, Waits: 6})
	})
}

func TestContextEndsWhileTheWorkRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 1, time.Hour)
		ctx, cancel := context.WithCancelCause(t.Context())
		var work sync.WaitGroup // how a caller waits for work it left behind
		work.Add(1)
		end := make(chan struct{})
		start := time.Now()
		detached := enqueue(ctx, g, "a", func() {
			defer work.Done()
			<-end
		})
		cancel(errLeft)
		if err := <-detached; err != errLeft {
			t.Errorf("Do = %v, want the cause", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("returned after %v, want at once", waited)
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Running: 1})

		next := enqueue(t.Context(), g, "b", func() {})
		wantStats(t, g, hash.GateStats{Runs: 1, Waits: 1, Running: 1, Queued: 1})
		close(end)
		work.Wait()
		if err := <-next; err != nil {
			t.Errorf("the next: %v", err)
		}
		wantStats(t, g, hash.GateStats{Runs: 2, Waits: 1})
	})
}

// Work that has ended before the context is a success, even if the caller is
// told of both at once.
func TestWorkEndsBeforeTheContext(t *testing.T) {
	t.Parallel()
	for range 100 { // The select between the two is random.
		synctest.Test(t, func(t *testing.T) {
			g := mustGate(t, 1, 1, 0)
			if err := g.Do(&laterContext{Context: t.Context()}, id("a"), func() {}); err != nil {
				t.Fatalf("Do = %v", err)
			}
		})
	}
}

// laterContext ends when it is first waited for and nothing else can happen.
type laterContext struct {
	context.Context
	ended bool
}

func (c *laterContext) Done() <-chan struct{} {
	synctest.Wait()
	c.ended = true
	done := make(chan struct{})
	close(done)
	return done
}

func (c *laterContext) Err() error {
	if c.ended {
		return errLeft
	}
	return nil
}

// The bug of many a limiter: requests that are cancelled free their permits
// while the hashes still run, and so any number of hashes run.
func TestA6_PermitBelongsToTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const permits, calls = 3, 1000
		g := mustGate(t, permits, calls, time.Hour)
		var running, peak, begun atomic.Int32
		var works, callers sync.WaitGroup
		works.Add(calls)
		for i := range calls {
			ctx, cancel := context.WithCancelCause(t.Context())
			left := make(chan struct{})
			callers.Go(func() {
				defer close(left)
				err := g.Do(ctx, id(string(rune('a'+i%7))), func() {
					defer works.Done()
					n := running.Add(1)
					defer running.Add(-1)
					begun.Add(1)
					for p := peak.Load(); n > p && !peak.CompareAndSwap(p, n); p = peak.Load() {
					}
					cancel(errLeft)
					<-left
					time.Sleep(time.Second) // All who could begin because of that do.
				})
				if err != errLeft {
					t.Errorf("Do = %v, want the cause", err)
				}
			})
		}
		callers.Wait()
		works.Wait()
		if n := peak.Load(); n != permits {
			t.Errorf("%d works ran at a time, want %d", n, permits)
		}
		synctest.Wait()
		wantStats(t, g, hash.GateStats{Runs: calls, Waits: calls - permits})
	})
}

// A waiter whose context ended in the instant it was granted a permit must
// pass it on, or the gate loses it for good.
func TestPermitOfAWaiterWhoLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 2, time.Hour)
		release := occupy(t, g)
		ended := errContext{t.Context(), func(call int) error {
			if call > 1 {
				return errLeft
			}
			return nil
		}, new(int)}
		first := enqueue(ended, g, "a", func() { t.Error("the work of a caller who left ran") })
		second := enqueue(t.Context(), g, "b", func() {})
		release()
		if err := <-first; err == nil {
			t.Error("the waiter who left: no error")
		}
		start := time.Now()
		if err := <-second; err != nil {
			t.Errorf("the next waiter: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the next waited for %v, want the permit at once", waited)
		}
		wantStats(t, g, hash.GateStats{Runs: 2, Waits: 2})
	})
}

// The grant, the end of the context and the end of the wait at once: whatever
// the waiter sees first, the one behind it gets the permit.
func TestGrantRaces(t *testing.T) {
	t.Parallel()
	for range 2000 {
		synctest.Test(t, func(t *testing.T) {
			const wait = time.Second
			g := mustGate(t, 1, 2, wait)
			release := occupy(t, g)
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			defer cancel()
			ran := false
			first := enqueue(ctx, g, "a", func() { ran = true })
			time.AfterFunc(wait, release)
			time.Sleep(time.Millisecond) // The second's wait ends later.
			second := enqueue(t.Context(), g, "b", func() {})

			// Besides nil, the work may also have begun and been left behind.
			err := <-first
			synctest.Wait()
			if err == nil && !ran || err == hash.ErrBusy && ran {
				t.Errorf("Do = %v, and its work ran: %v", err, ran)
			}
			if err != nil && err != hash.ErrBusy && err != context.DeadlineExceeded {
				t.Errorf("Do = %v", err)
			}
			if err := <-second; err != nil {
				t.Errorf("the next waiter: %v", err)
			}
			if s := g.Stats(); s.Running != 0 || s.Queued != 0 {
				t.Errorf("left behind: %+v", s)
			}
		})
	}
}

func TestGateStress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const permits, callers, calls = 4, 64, 100
		g := mustGate(t, permits, callers/2, 20*time.Millisecond)
		var running, ran atomic.Int32
		var done sync.WaitGroup
		for i := range callers {
			done.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(i), 0))
				for range calls {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(40))*time.Millisecond)
					work := time.Duration(rnd.IntN(10)) * time.Millisecond
					ended := false
					err := g.Do(ctx, id(string(rune('a'+i%5))), func() {
						if n := running.Add(1); n > permits {
							t.Errorf("%d works run at a time, want %d at most", n, permits)
						}
						time.Sleep(work)
						running.Add(-1)
						ran.Add(1)
						ended = true
					})
					switch {
					case err == nil, err == hash.ErrBusy, err == context.DeadlineExceeded:
					default:
						t.Errorf("Do = %v", err)
					}
					if err == nil && !ended {
						t.Error("Do returned nil before the work had ended")
					}
					cancel()
				}
			})
		}
		done.Wait()
		synctest.Wait() // for the works left behind
		s := g.Stats()
		if s.Running != 0 || s.Queued != 0 || s.Runs != uint64(ran.Load()) {
			t.Errorf("at the end: %+v, and %d works have run", s, ran.Load())
		}
		if s.Runs == 0 || s.Waits == 0 || s.Refused == 0 {
			t.Errorf("the test doesn't test: %+v", s)
		}

		// Every permit is still there: as many works can meet.
		var meeting, works sync.WaitGroup
		meeting.Add(permits)
		for range permits {
			works.Go(func() {
				if err := g.Do(t.Context(), id("a"), func() { meeting.Done(); meeting.Wait() }); err != nil {
					t.Error(err)
				}
			})
		}
		works.Wait()
	})
}
