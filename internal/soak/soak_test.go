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
	t := tenth{heap: 50 << 20, used: 90 << 20, keys: 40 << 20, log: 10 << 20, free: 3000, files: 9, goroutines: 14}
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
		"all shrink":      {change: func(t *tenth) { t.heap, t.used, t.keys, t.free, t.files, t.goroutines = 1, 1, 1, 1, 1, 1 }},
		"the log":         {change: func(t *tenth) { t.log, t.used, t.file = t.log*4, t.used+t.log*3, 256<<20 }},
		"heap":            {change: func(t *tenth) { t.heap = t.heap * 3 / 2 }, grew: true},
		"used":            {change: func(t *tenth) { t.used = t.used * 3 / 2 }, grew: true},
		"keys":            {change: func(t *tenth) { t.keys = t.keys * 3 / 2 }, grew: true},
		"free list":       {change: func(t *tenth) { t.free = t.free * 3 / 2 }, grew: true},
		"open files":      {change: func(t *tenth) { t.files += 5 }, grew: true},
		"goroutines":      {change: func(t *tenth) { t.goroutines += 15 }, grew: true},
		"a time, a bit":   {change: func(t *tenth) { t.p99[live] *= 2 }},
		"a time":          {change: func(t *tenth) { t.p99[cold] *= 10 }, grew: true},
		"a time of syncs": {change: func(t *tenth) { t.p99[revoke] *= 200 }, grew: true},
		"no call":         {change: func(t *tenth) { t.calls[forgery] = 0 }, grew: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, moment := range []bool{false, true} {
				var all []tenth
				for n := range tenths {
					all = append(all, flat())
					if n >= tenths-some && !(moment && n == tenths-2) {
						test.change(&all[n])
					}
				}
				// What is over its limit in all of the last ones but one was a moment, unless there was no call.
				grew := test.grew && (!moment || name == "no call")
				if err := compare(io.Discard, all); errors.Is(err, errGrew) != grew {
					t.Errorf("compare: %v, want it to have grown: %v", err, grew)
				}
			}
		})
	}
}
