package hash_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

func TestPanicIsTheCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 1, 0)
		cause := errors.New("a mistake")
		defer func() {
			v := recover()
			err, ok := v.(error)
			if !ok || !errors.Is(err, cause) {
				t.Fatalf("recovered %v, want the panic of the work", v)
			}
			for _, want := range []string{"a mistake", "panicOf"} { // the value and the stack
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the panic doesn't say %q: %v", want, err)
				}
			}
			wantStats(t, g, hash.GateStats{Runs: 1})
			if err := g.Do(t.Context(), id("a"), func() {}); err != nil {
				t.Errorf("later work: %v", err)
			}
		}()
		err := g.Do(t.Context(), id("a"), func() { panicOf(cause) })
		t.Errorf("Do returned %v", err)
	})
}

func panicOf(v any) { panic(v) }

// Nobody is left to take the panic, so it ends the program. The program is
// this test in a process of its own.
func TestPanicWithoutACaller(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_PANIC_WITHOUT_A_CALLER") != "" {
		g := mustGate(t, 1, 1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		if err := g.Do(ctx, id("a"), func() { cancel(); <-left; panicOf("a mistake") }); err != context.Canceled {
			t.Fatal(err)
		}
		close(left)
		select {} // The panic is what ends it.
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "TEST_PANIC_WITHOUT_A_CALLER=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: a mistake") || !strings.Contains(string(out), "panicOf") {
		t.Errorf("the program ended with %v and said:\n%s", err, out)
	}
}

func TestGoexitIsTheCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 1, 0)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			err := g.Do(t.Context(), id("a"), runtime.Goexit)
			t.Errorf("Do returned %v", err)
		}()
		<-ended
		wantStats(t, g, hash.GateStats{Runs: 1})
	})
}

// Of work whose caller has left, Goexit ends its goroutine and no more.
func TestGoexitWithoutACaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := mustGate(t, 1, 1, 0)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		if err := g.Do(ctx, id("a"), func() { cancel(); <-left; runtime.Goexit() }); err != context.Canceled {
			t.Errorf("Do = %v, want context.Canceled", err)
		}
		close(left)
		synctest.Wait()
		wantStats(t, g, hash.GateStats{Runs: 1})
	})
}
