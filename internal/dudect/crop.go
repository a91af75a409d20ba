package dudect

import (
	"math"
	"slices"
)

const (
	// Crops is how many cropped tests there are beside the one of all times, as in the authors' program.
	Crops = 100
	// fewest times a class must have for a test to count: below it t is not near to normal.
	fewest = 1000
)

// Quantile returns the share of times that crop i keeps: from 7 % to 99.9 %, more of them where it is near to all.
// What interrupts a call makes it longer, never shorter, so a leak shows best among short times; a leak may also
// be in rare long ones, which only the last crops and the test of all times see.
func Quantile(i int) float64 { return 1 - math.Pow(0.5, float64(10*(i+1))/Crops) }

// Test is a t-test of two classes of times: of all, and of those up to each of a number of bounds. Bounds are the
// same for both classes, and known before, so that cropping can't make a difference where there is none.
// Not safe for concurrent use.
type Test struct {
	bounds  [Crops]float64 // ascending
	classes [Crops + 1][2]Moments
}

// NewTest returns a test whose bounds are the quantiles of times that it does not count itself. There is at least one.
func NewTest(pilot []float64) *Test {
	sorted := slices.Sorted(slices.Values(pilot))
	t := new(Test)
	for i := range t.bounds {
		t.bounds[i] = sorted[int(Quantile(i)*float64(len(sorted)))]
	}
	return t
}

// Add adds a time of class 0 or 1.
func (t *Test) Add(class int, time float64) {
	t.classes[Crops][class].Add(time)
	for i := Crops - 1; i >= 0 && time <= t.bounds[i]; i-- {
		t.classes[i][class].Add(time)
	}
}

// Result is what a test found.
type Result struct {
	Samples int     // times measured
	T       float64 // the largest magnitude of all tests with enough times
	Kept    float64 // the share of times in that test, by its quantile; 1: all
	// Difference is the mean of class 1 less that of class 0 among the fastest 94 %, in what the times are in,
	// and Error its standard error. Cropping makes a difference a little smaller, and its error much more so.
	Difference, Error float64
}

// Result returns what was found up to now.
func (t *Test) Result() Result {
	all := &t.classes[Crops]
	r := Result{Samples: all[0].N() + all[1].N()}
	for i := range t.classes {
		c := &t.classes[i]
		if c[0].N() < fewest || c[1].N() < fewest {
			continue
		}
		if m := math.Abs(T(&c[0], &c[1])); m > r.T {
			r.T, r.Kept = m, 1
			if i < Crops {
				r.Kept = Quantile(i)
			}
		}
	}
	if most := &t.classes[Crops*4/10-1]; most[0].N() >= fewest && most[1].N() >= fewest {
		r.Difference, r.Error = most[1].Mean()-most[0].Mean(), StandardError(&most[0], &most[1])
	}
	return r
}
