package dudect_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

func moments(all ...float64) *dudect.Moments {
	m := new(dudect.Moments)
	for _, x := range all {
		m.Add(x)
	}
	return m
}

func TestWelch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		a, b []float64
		want float64
	}{
		"Student's sleep data, as in R's t.test": {
			[]float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2},
			[]float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}, -1.8608},
		"sizes and variances that differ: Student's t would be -2.1": {
			[]float64{17.2, 20.9, 22.6, 18.1, 21.7, 21.4, 23.5, 24.2, 14.7, 21.8},
			[]float64{21.5, 22.8, 21.0, 23.0, 21.6, 23.6, 22.5, 20.7, 23.4, 21.8, 20.7, 21.7, 21.5, 22.5, 23.6, 21.5, 22.5, 23.5, 21.5, 21.8}, -1.5654},
		"the same":               {[]float64{1, 2, 3}, []float64{1, 2, 3}, 0},
		"constants that differ":  {[]float64{1, 1}, []float64{2, 2}, math.Inf(-1)},
		"one value is no sample": {[]float64{1}, []float64{2, 3, 4}, 0},
		"nothing":                {nil, nil, 0},
	} {
		if got := dudect.T(moments(test.a...), moments(test.b...)); got != test.want && !(math.Abs(got-test.want) < 5e-5) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// What a sum of squares would lose: a variance of 30 at a mean of 10^9.
func TestMoments(t *testing.T) {
	t.Parallel()
	m := moments(1e9+4, 1e9+7, 1e9+13, 1e9+16)
	if m.N() != 4 || m.Mean() != 1e9+10 || m.Variance() != 30 {
		t.Errorf("%d values, mean %v, variance %v; want 4, 1e9+10, 30", m.N(), m.Mean(), m.Variance())
	}
	if e := dudect.StandardError(moments(0, 2, 4, 6), moments(1, 1)); math.Abs(e-math.Sqrt(20.0/3/4)) > 1e-12 {
		t.Errorf("a standard error of %v", e)
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	for i, want := range map[int]float64{0: 0.067, 9: 0.5, 19: 0.75, 39: 0.9375, dudect.Crops - 1: 1 - 1/1024.0} {
		if got := dudect.Quantile(i); math.Abs(got-want) > 1e-3 {
			t.Errorf("crop %d keeps %v, want %v", i, got, want)
		}
	}
}

// add gives a test the times 0 to 9999 of class 0, and of class 1 what shift makes of them, in one batch.
func add(test *dudect.Test, shift func(float64) float64) {
	var classes []byte
	var times []float64
	for i := range 10_000 {
		classes = append(classes, 0, 1)
		times = append(times, float64(i), shift(float64(i)))
	}
	test.Add(classes, times)
}

// What the fastest have differs in a crop, and hardly in all; what the slowest have, in all and in no crop.
func TestCrops(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		shift    func(float64) float64
		min, max float64 // of t
		kept     float64 // at most
	}{
		"the same":             {func(x float64) float64 { return x }, 0, 0.1, 1}, // of the last time that a crop keeps there is but one
		"the fastest 7 %":      {func(x float64) float64 { return x + b2f(x < 670)*400 }, 10, 100, 0.2},
		"the slowest in 1000":  {func(x float64) float64 { return x + b2f(x >= 9990)*1e9 }, 3, 4, 1},
		"all, and by a lot":    {func(x float64) float64 { return x + 1000 }, 20, 100, 1},
		"all, and by a little": {func(x float64) float64 { return x + 1 }, 0, 0.1, 1},
	} {
		var dude dudect.Test
		add(&dude, test.shift)
		r := dude.Result()
		if r.Samples != 20_000 || r.T < test.min || r.T > test.max || r.Kept > test.kept || r.Kept == 0 {
			t.Errorf("%s: %+v, want t from %v to %v, at most %v kept", name, r, test.min, test.max, test.kept)
		}
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A machine that gets slower and slower hides nothing, and nor do the interruptions of a tenth of all calls: without the
// batches' medians, and without crops, t would be 1.
func TestDrift(t *testing.T) {
	t.Parallel()
	var dude dudect.Test
	for batch := range 100 {
		var classes []byte
		var times []float64
		for i := range 200 {
			class := byte(i & 1)
			classes = append(classes, class)
			times = append(times, float64(1000*batch+i/2%10)+float64(class)+b2f(i >= 180)*float64(i)*1e6)
		}
		dude.Add(classes, times)
	}
	if r := dude.Result(); r.T < 20 || r.Difference != 1 || r.Error != 0 {
		t.Errorf("%+v, want a t above 20 and a difference of 1 ± 0", r)
	}
}

// The difference is class 1 less class 0, and its error that of the mean of the batches.
func TestDifference(t *testing.T) {
	t.Parallel()
	var dude dudect.Test
	for _, by := range []float64{10, 20, 60} {
		add(&dude, func(x float64) float64 { return x + by })
	}
	if r := dude.Result(); r.Difference != 30 || math.Abs(r.Error-math.Sqrt(700.0/3)) > 1e-9 || r.Samples != 60_000 {
		t.Errorf("%+v, want 30 ± %v", r, math.Sqrt(700.0/3))
	}
}

// A few times say nothing, whatever they are, and whichever class they are of.
func TestTooFew(t *testing.T) {
	t.Parallel()
	for few := range byte(2) {
		var dude dudect.Test
		for i := range 999 {
			dude.Add([]byte{few, 1 - few, 1 - few}, []float64{float64(i % 7), float64(i%7 + 100), float64(i%7 + 100)})
		}
		if r := dude.Result(); r.T != 0 || r.Kept != 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestGate(t *testing.T) {
	t.Parallel()
	gate := dudect.Gate{T: 10, InARow: 3, Tries: 7}
	for name, test := range map[string]struct {
		t             []float64
		holds, breaks bool
		runs          int // of Holds
	}{
		"quiet":                    {[]float64{1, 2, 3, 99}, true, false, 3},
		"a burst":                  {[]float64{1, 2, 12, 1, 2, 3, 99}, true, false, 6},
		"it leaks":                 {[]float64{200, 210, 190, 205, 208, 1, 1, 1}, false, true, 5},
		"it leaks now and then":    {[]float64{9, 9, 11, 9, 9, 11, 9, 9, 9}, false, false, 6},
		"just at the gate":         {[]float64{10, 10, 10, 10, 10, 10, 10, 10}, false, true, 5},
		"late, but still in time":  {[]float64{11, 11, 11, 11, 1, 2, 3}, true, true, 7},
		"one control run is quiet": {[]float64{200, 9, 200, 1, 1, 1}, true, false, 6},
		"no number":                {slices.Repeat([]float64{math.NaN()}, 8), false, true, 5},
	} {
		script := func() func() dudect.Result {
			next := 0
			return func() dudect.Result {
				next++
				return dudect.Result{T: test.t[next-1], Kept: 1}
			}
		}
		if ok, results := gate.Holds(script()); ok != test.holds || len(results) != test.runs {
			t.Errorf("%s: holds %v after %d runs, want %v after %d", name, ok, len(results), test.holds, test.runs)
		}
		if ok, results := gate.Breaks(script()); ok != test.breaks || len(results) != 3 {
			t.Errorf("%s: breaks %v after %d runs, want %v", name, ok, len(results), test.breaks)
		}
	}
	if ok, _ := gate.Holds(func() dudect.Result { return dudect.Result{} }); ok {
		t.Error("a test that saw nothing has passed")
	}
}

// Every sample is of inputs of one class and of its own batch, in an order that can't be foreseen. There is one batch more than
// what is counted.
func TestMeasure(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{false, true} {
		calls := dudect.Calls
		if once {
			calls = 1
		}
		prepared, called, last := 0, 0, byte(0)
		ones, runs := 0, 0
		used := make(map[string]int)
		e := dudect.Experiment{Once: once, Prepare: func(class int) string {
			prepared++
			return string(rune('0'+class)) + strconv.Itoa(prepared)
		}, Call: func(input string) {
			used[strings.Clone(input)]++
			class := input[0]
			if called%calls == 0 {
				ones += int(class - '0')
				if class != last {
					runs++
				}
				last = class
			}
			if class != last {
				t.Fatalf("call %d is of class %c in a sample of class %c", called, class, last)
			}
			if n, err := strconv.Atoi(input[1:]); err != nil || (n-1)/dudect.Batch != called/dudect.Batch/calls || n > prepared {
				t.Fatalf("call %d is of input %q, which is of another batch", called, input)
			}
			called++
		}}
		r := e.Measure(dudect.Batch + 1)
		samples := 3 * dudect.Batch
		if r.Samples != 2*dudect.Batch || called != samples*calls || prepared != samples {
			t.Errorf("%d samples, %d calls, %d inputs", r.Samples, called, prepared)
		}
		if len(used) != samples {
			t.Errorf("%d inputs of %d were used", len(used), samples)
		}
		// 8 standard deviations.
		for what, n := range map[string]int{"samples of class 1": ones, "changes of class": runs} {
			if d := math.Abs(float64(n) - float64(samples)/2); d > 8*math.Sqrt(float64(samples))/2 {
				t.Errorf("%d %s in %d", n, what, samples)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	e := dudect.Experiment{Times: 3, Prepare: strconv.Itoa, Call: func(string) {}}
	if r := e.Measure(dudect.Batch); r.Samples != 3*dudect.Batch {
		t.Errorf("%d samples, want three times %d", r.Samples, dudect.Batch)
	}
}

func TestInputTooLong(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an input that is too long was taken")
		}
	}()
	e := dudect.Experiment{Prepare: func(int) string { return string(make([]byte, dudect.MaxInput+1)) }, Call: func(string) {}}
	e.Measure(1)
}
