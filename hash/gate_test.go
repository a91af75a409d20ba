package hash_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// These tests run in synctest bubbles: time passes only when everybody waits,
// and a bubble fails if a goroutine is left in it at the end.

func mustGate(t testing.TB, permits, queue int, wait time.Duration) *hash.Gate {
	t.Helper()
	g, err := hash.NewGate(permits, queue, wait)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func id(name string) (id [16]byte) {
	copy(id[:], name)
	return id
}

// occupy takes a permit of g until the function it returns is called.
func occupy(t *testing.T, g *hash.Gate) (release func()) {
	t.Helper()
	end := make(chan struct{})
	go func() {
		if err := g.Do(context.Background(), id("occupant"), func() { <-end }); err != nil {
			t.Errorf("the occupant: %v", err)
		}
	}()
	synctest.Wait()
	return func() { close(end) }
}

// enqueue calls Do in a goroutine and waits until it has its place.
func enqueue(ctx context.Context, g *hash.Gate, name string, f func()) <-chan error {
	result := make(chan error, 1)
	go func() { result <- g.Do(ctx, id(name), f) }()
	synctest.Wait()
	return result
}

func wantStats(t *testing.T, g *hash.Gate, want hash.GateStats) {
	t.Helper()
	if got := g.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}

func TestNewGateRefusesNegative(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		permits, queue int
		wait           time.Duration
	}{{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}} {
		if g, err := hash.NewGate(test.permits, test.queue, test.wait); err == nil || g != nil {
			t.Errorf("NewGate(%d, %d, %v) = %v, %v", test.permits, test.queue, test.wait, g, err)
		}
	}
}

func TestGateDefaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		permits := max(1, runtime.GOMAXPROCS(0)-1)
		g := mustGate(t, 0, 0, 0)
		var releases []func()
		for range permits {
			releases = append(releases, occupy(t, g))
		}
		start := time.Now()
		var callers sync.WaitGroup
		for range 1024 {
			callers.Go(func() {
				if err := g.Do(t.Context(), id("a"), func() {}); err != hash.ErrBusy {
					t.Errorf("after the wait: %v, want ErrBusy", err)
				}
			})
		}
		synctest.Wait()
		wantStats(t, g, hash.GateStats{Runs: uint64(permits), Waits: 1024, Running: permits, Queued: 1024})
		if err := g.Do(t.Context(), id("a"), func() {}); err != hash.ErrBusy {
			t.Errorf("past the queue: %v, want ErrBusy", err)
		}
		callers.Wait()
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("waited %v, want 5s", waited)
		}
		for _, release := range releases {
			release()
		}
	})
}

func TestZeroGateRefuses(t *testing.T) {
	t.Parallel()
	var g hash.Gate
	if err := g.Do(t.Context(), id("a"), func() { t.Error("ran") }); err != hash.ErrBusy {
		t.Errorf("Do = %v, want ErrBusy", err)
	}
}

func TestDoReturnsWhenTheWorkHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 2, 1, 0)
		ended := false
		err := g.Do(t.Context(), id("a"), func() {
			time.Sleep(time.Minute)
			ended = true
		})
		if err != nil || !ended {
			t.Errorf("Do = %v, the work ended: %v", err, ended)
		}
		wantStats(t, g, hash.GateStats{Runs: 1})
	})
}

func TestRoundRobin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arrive, served string }{
		{"a", "a"},
		{"aaa", "aaa"},
		{"aaabbb", "ababab"},
		{"aaaabcc", "abcacaa"},
		{"cbacba", "cbacba"},
		{"aaaaaaaaaab", "abaaaaaaaaa"},
		{strings.Repeat("a", 1000) + "b" + "c", "abc" + strings.Repeat("a", 999)},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := mustGate(t, 1, len(test.arrive), 0)
			release := occupy(t, g)
			var served strings.Builder // The one permit guards it.
			var places []int
			for i, name := range test.arrive {
				enqueue(t.Context(), g, string(name), func() {
					served.WriteRune(name)
					if name == 'a' {
						places = append(places, i)
					}
				})
			}
			release()
			synctest.Wait()
			if got := served.String(); got != test.served {
				t.Errorf("%.20s arrived and %.20s was served, want %.20s", test.arrive, got, test.served)
			}
			if !slices.IsSorted(places) {
				t.Errorf("%.20s: within a, not first come, first served: %v", test.arrive, places)
			}
			n := uint64(len(test.arrive))
			wantStats(t, g, hash.GateStats{Runs: n + 1, Waits: n})
		})
	}
}

// An id that comes back goes to the end of the round, served or not.
func TestRoundRobinReturningID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 10, 0)
		release := occupy(t, g)
		var served []string
		log := func(name string) func() { return func() { served = append(served, name) } }
		ctx, cancel := context.WithCancel(t.Context())
		enqueue(ctx, g, "a", log("a, who left"))
		enqueue(t.Context(), g, "b", func() {
			served = append(served, "b")
			go g.Do(t.Context(), id("b"), log("b again"))
			time.Sleep(time.Second) // until it has queued up
		})
		enqueue(t.Context(), g, "c", log("c"))
		cancel()
		synctest.Wait()
		enqueue(t.Context(), g, "a", log("a again"))
		release()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if want := []string{"b", "c", "a again", "b again"}; !slices.Equal(served, want) {
			t.Errorf("served %q, want %q", served, want)
		}
	})
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 2, time.Hour)
		release := occupy(t, g)
		first := enqueue(t.Context(), g, "a", func() {})
		second := enqueue(t.Context(), g, "b", func() {})
		start := time.Now()
		if err := g.Do(t.Context(), id("c"), func() { t.Error("ran past a full queue") }); err != hash.ErrBusy {
			t.Errorf("Do = %v, want ErrBusy", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("refused after %v, want at once", waited)
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Waits: 2, Refused: 1, Running: 1, Queued: 2})
		release()
		if err := errors.Join(<-first, <-second); err != nil {
			t.Errorf("the queued: %v", err)
		}
		wantStats(t, g, hash.GateStats{Runs: 3, Waits: 2, Refused: 1})
	})
}

func TestWaitOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 2, 3*time.Second)
		release := occupy(t, g)
		start := time.Now()
		if err := g.Do(t.Context(), id("a"), func() { t.Error("ran after its wait") }); err != hash.ErrBusy {
			t.Errorf("Do = %v, want ErrBusy", err)
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v, want 3s", waited)
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Waits: 1, Refused: 1, Running: 1})
		release()
		synctest.Wait()
		if err := g.Do(t.Context(), id("a"), func() {}); err != nil {
			t.Errorf("later work: %v", err)
		}
	})
}

// A permit on its way to the waiter who was granted it is not free: whoever
// comes in that moment queues up.
func TestNewcomerDoesNotOvertake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 10, 0)
		release := occupy(t, g)
		var served []string
		granted := errContext{t.Context(), func(call int) error {
			if call == 2 { // The waiter has woken up and has not begun.
				enqueue(t.Context(), g, "newcomer", func() { served = append(served, "newcomer") })
			}
			return nil
		}, new(int)}
		waiter := make(chan error, 1)
		go func() { waiter <- g.Do(granted, id("waiter"), func() { served = append(served, "waiter") }) }()
		synctest.Wait()
		release()
		if err := <-waiter; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if want := []string{"waiter", "newcomer"}; !slices.Equal(served, want) {
			t.Errorf("served %q, want %q", served, want)
		}
	})
}

// errContext is a context whose Err is called with the number of the call. It
// never says that it is done, so what Do makes of Err alone is seen.
type errContext struct {
	context.Context
	err   func(call int) error
	calls *int
}

func (c errContext) Done() <-chan struct{} { return nil }

func (c errContext) Err() error {
	*c.calls++
	return c.err(*c.calls)
}

// Refuse says beforehand what Do would, and counts it.
func TestRefuse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 1, time.Hour)
		if g.Refuse() {
			t.Error("refused with a permit free")
		}
		release := occupy(t, g)
		if g.Refuse() {
			t.Error("refused with a place in the queue")
		}
		queued := enqueue(t.Context(), g, "a", func() {})
		if !g.Refuse() {
			t.Error("not refused by a full queue")
		}
		wantStats(t, g, hash.GateStats{Runs: 1, Waits: 1, Refused: 1, Running: 1, Queued: 1})
		release()
		if err := <-queued; err != nil || g.Refuse() {
			t.Errorf("after the queue: %v, or still refused", err)
		}
	})
	if !new(hash.Gate).Refuse() {
		t.Error("the zero Gate refuses nothing")
	}
}
