// Package dudect tells whether the time a function takes depends on which of two classes its input is of: Welch's
// t-test on times as they are and cropped, classes in random order (Reparaz, Balasch and Verbauwhede, "Dude, is
// my code constant time?", 2016). The paper's second-order test is left out.
//
// It proves a leak, and never that there is none: it sees what differs between the classes it is given, on the
// machine it runs on.
package dudect

import "math"

// Moments are the number, the mean and the variance of values that were added one by one, without keeping them
// and without the cancellation of a sum of squares (Welford, 1962). The zero value holds none.
type Moments struct {
	n, mean, squares float64 // squares: of the distances to the mean
}

// Add adds a value.
func (m *Moments) Add(x float64) {
	m.n++
	d := x - m.mean
	m.mean += d / m.n
	m.squares += d * (x - m.mean)
}

// N is how many were added.
func (m *Moments) N() int { return int(m.n) }

// Mean of none is 0.
func (m *Moments) Mean() float64 { return m.mean }

// Variance is the unbiased one. Of less than two values it is 0.
func (m *Moments) Variance() float64 {
	if m.n < 2 {
		return 0
	}
	return m.squares / (m.n - 1)
}

// StandardError is that of the difference of two means (Welch, 1947): the variances need not be equal.
func StandardError(a, b *Moments) float64 {
	return math.Sqrt(a.Variance()/a.n + b.Variance()/b.n)
}

// T is Welch's t: the difference of two means in standard errors. It is 0 where there is nothing to
// compare, and infinite where two constants differ.
func T(a, b *Moments) float64 {
	if a.n < 2 || b.n < 2 || a.mean == b.mean {
		return 0
	}
	return (a.mean - b.mean) / StandardError(a, b)
}
