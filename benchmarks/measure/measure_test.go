package measure_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
)

var quick = measure.Options{Rounds: 4, Slice: time.Millisecond}

// sink keeps allocations from being optimized away.
var sink [][]byte

func TestRoundsGiveEachContenderItsSamples(t *testing.T) {
	one := &measure.Contender{Name: "one", Loop: func(from, n int) error { return nil }}
	two := &measure.Contender{Name: "two", Loop: func(from, n int) error {
		for range n {
			sink = append(sink[:0], make([]byte, 64), make([]byte, 64))
		}
		return nil
	}}
	all, err := quick.Run(t.Context(), one, two)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		if len(s) != 4 || s.Calls() == 0 || !(s.Nanos() > 0) {
			t.Errorf("contender %d: %+v", i, s)
		}
	}
	if a := all[1].Allocs(); a < 2 || a > 2.5 {
		t.Errorf("2 allocations a call were counted as %v", a)
	}
	if r := measure.Ratios(all[1], all[0]); len(r) != 4 || measure.Median(r) <= 1 {
		t.Errorf("two allocations were not slower than nothing: %v", r)
	}
}

// Every worker goes on where it stopped, so that no call is left out or done twice.
func TestWorkersGoOn(t *testing.T) {
	var mu sync.Mutex
	ranges := make(map[int]int) // from the beginning of a stride to its end
	c := &measure.Contender{Name: "c", Workers: 2, Loop: func(from, n int) error {
		mu.Lock()
		defer mu.Unlock()
		if _, twice := ranges[from]; twice {
			t.Errorf("call %d was done twice", from)
		}
		ranges[from] = from + n
		for start := time.Now(); time.Since(start) < 20*time.Microsecond; { // a stride stays short, so that workers never meet
		}
		return nil
	}}
	if _, err := quick.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, start := range []int{0, 7919} {
		if _, is := ranges[start]; !is {
			t.Errorf("no worker began at %d", start)
		}
	}
	ends := 0
	for _, end := range ranges {
		if _, is := ranges[end]; !is {
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("the calls of 2 workers have %d ends", ends)
	}
}

// No contender always comes first.
func TestOrderAlternates(t *testing.T) {
	var order []string
	note := func(name string) *measure.Contender {
		return &measure.Contender{Name: name, Loop: func(from, n int) error {
			if len(order) == 0 || order[len(order)-1] != name {
				order = append(order, name)
			}
			return nil
		}}
	}
	if _, err := quick.Run(t.Context(), note("a"), note("b")); err != nil {
		t.Fatal(err)
	}
	// Calibration, then ab, ba, ba, ab; the same one twice running shows once. Without the
	// alternation it would be ten.
	if got := strings.Join(order, ""); got != "abababab" {
		t.Errorf("order %v", got)
	}
}

func TestErrorsEndTheRun(t *testing.T) {
	broken := errors.New("broken")
	for _, workers := range []int{1, 2} {
		calls := 0
		c := &measure.Contender{Name: "c", Workers: workers, Loop: func(from, n int) error {
			if from >= 7919 || workers == 1 {
				if calls++; calls > 3 {
					return broken
				}
			}
			return nil
		}}
		if _, err := quick.Run(t.Context(), c); !errors.Is(err, broken) {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := &measure.Contender{Name: "c", Loop: func(from, n int) error { return nil }}
	if _, err := quick.Run(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestQuantiles(t *testing.T) {
	for _, test := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{[]float64{3, 1, 2}, 0.5, 2},
		{[]float64{4, 1, 3, 2}, 0.5, 2.5},
		{[]float64{5, 1, 2, 4, 3}, 0.25, 2},
		{[]float64{5, 1, 2, 4, 3}, 1, 5},
		{[]float64{5, 1, 2, 4, 3}, 0, 1},
		{[]float64{7}, 0.75, 7},
	} {
		if got := measure.Quantile(test.values, test.q); got != test.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", test.values, test.q, got, test.want)
		}
	}
	if !math.IsNaN(measure.Median(nil)) {
		t.Error("the median of nothing is something")
	}
}
