package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestRun: every answer is the right one. How fast the machine is that runs this does not matter.
func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := run(t.Context(), options{length: 2 * time.Second, keys: 200, dir: t.TempDir(), seed: 1}, &out)
	if err != nil && !errors.Is(err, errGrew) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{" 0/10", "10/10", "heap, bytes", "p99 of Revoke"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the output has no %q:\n%s", line, out.String())
		}
	}
}

func flat() tenth {
	t := tenth{heap: 50 << 20, file: 90 << 20, keys: 40 << 20, log: 10 << 20, free: 3000, goroutines: 14}
	for k := range kinds {
		t.calls[k], t.p99[k] = 1000, time.Millisecond
	}
	return t
}

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*tenth)
		grew   bool
	}{
		"nothing":         {change: func(*tenth) {}},
		"all shrink":      {change: func(t *tenth) { t.heap, t.file, t.keys, t.free, t.goroutines = 1, 1, 1, 1, 1 }},
		"the log":         {change: func(t *tenth) { t.log, t.file = t.log*4, t.file+t.log*3 }},
		"heap":            {change: func(t *tenth) { t.heap = t.heap * 3 / 2 }, grew: true},
		"file":            {change: func(t *tenth) { t.file = t.file * 3 / 2 }, grew: true},
		"keys":            {change: func(t *tenth) { t.keys = t.keys * 3 / 2 }, grew: true},
		"free list":       {change: func(t *tenth) { t.free = t.free * 3 / 2 }, grew: true},
		"goroutines":      {change: func(t *tenth) { t.goroutines += 50 }, grew: true},
		"a time, a bit":   {change: func(t *tenth) { t.p99[live] *= 2 }},
		"a time":          {change: func(t *tenth) { t.p99[cold] *= 10 }, grew: true},
		"a time of syncs": {change: func(t *tenth) { t.p99[revoke] *= 1000 }, grew: true},
		"no call":         {change: func(t *tenth) { t.calls[forgery] = 0 }, grew: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last := flat()
			test.change(&last)
			if err := compare(io.Discard, flat(), last); errors.Is(err, errGrew) != test.grew {
				t.Errorf("compare: %v, want it to have grown: %v", err, test.grew)
			}
		})
	}
}
