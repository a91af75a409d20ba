package pgstore_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// Close ends all that the store began, also while it waits for the next look, which is a minute away here.
func TestCloseEndsWhatWasBegun(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, noListen := range []bool{false, true} {
		s := p.open(pgstore.Options{Poll: time.Minute, NoListen: noListen})
		told := watch(t, s)
		told.until(t, "the first Fresh", anyFresh)
		name := goroutineOf(t, s)
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Close has not returned after 20 s, else a program can't end before the next look")
		}
		waitFor(t, "what the store began ends", func() bool { return !strings.Contains(stacks(), name) })
	}
}

// goroutineOf returns how the stacks of the store's goroutines name it.
func goroutineOf(t *testing.T, s *pgstore.Store) string {
	t.Helper()
	name := strings.TrimPrefix(pgstore.Address(s), "0x")
	if !strings.Contains(stacks(), name) {
		t.Fatal("control: no goroutine of the store is there")
	}
	return name
}

func stacks() string {
	for size := 1 << 20; ; size *= 2 {
		if b := make([]byte, size); runtime.Stack(b, true) < size {
			return string(b)
		}
	}
}
