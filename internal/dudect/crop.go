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

// Test is a t-test of two classes of times: of all, and of the shortest shares of them. Not safe for concurrent use. The zero
// value has no times yet.
//
// Times come in batches, and are taken relative to their batch's median, and cropped by its quantiles: so a machine that
// is slower for a while does not hide a difference in how much it is slower. The authors crop by bounds from the first
// batch. Both are fair: median and quantiles are of both classes together, and whose time is whose was rolled.
type Test struct {
	classes [Crops + 1][2]Moments
	medians Moments // of class 1 less of class 0, a batch each
	order   []int
	single  [2][]float64
}

// Add adds a batch of times, each of class 0 or 1.
func (t *Test) Add(classes []byte, times []float64) {
	t.order = t.order[:0]
	for i := range times {
		t.order = append(t.order, i)
	}
	slices.SortStableFunc(t.order, func(i, j int) int {
		switch a, b := times[i], times[j]; {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	})
	var kept [Crops]float64
	for c := range kept {
		kept[c] = Quantile(c)
	}
	t.single = [2][]float64{t.single[0][:0], t.single[1][:0]}
	median := times[t.order[len(times)/2]]
	for rank, i := range t.order {
		class, time := classes[i], times[i]
		t.single[class] = append(t.single[class], time)
		t.classes[Crops][class].Add(time - median)
		for c := Crops - 1; c >= 0 && float64(rank) < kept[c]*float64(len(times)); c-- {
			t.classes[c][class].Add(time - median)
		}
	}
	if a, b := t.single[0], t.single[1]; len(a) > 0 && len(b) > 0 {
		t.medians.Add(b[len(b)/2] - a[len(a)/2])
	}
}

// Result is what a test found.
type Result struct {
	Samples int     // times measured
	T       float64 // the largest magnitude of all tests with enough times
	Kept    float64 // the share of times in that test; 1: all; 0: there was no test
	// Difference is the median of class 1 less that of class 0, the mean of all batches, in what the times are in, and
	// Error its standard error.
	Difference, Error float64
}

// Result returns what was found up to now.
func (t *Test) Result() Result {
	all := &t.classes[Crops]
	r := Result{Samples: all[0].N() + all[1].N(), Difference: t.medians.Mean()}
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
	if n := t.medians.N(); n > 1 {
		r.Error = math.Sqrt(t.medians.Variance() / float64(n))
	}
	return r
}
