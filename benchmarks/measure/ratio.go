package measure

import (
	"math"
	"slices"
)

// Ratios divides, round by round, the time of a by the time of b.
func Ratios(a, b Series) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i].Nanos / b[i].Nanos
	}
	return r
}

// Nanos returns the median time of a call.
func (s Series) Nanos() float64 {
	return Median(s.each(func(s Sample) float64 { return s.Nanos }))
}

// Allocs returns the median number of allocations of a call.
func (s Series) Allocs() float64 {
	return Median(s.each(func(s Sample) float64 { return s.Allocs }))
}

// Calls returns the number of calls of all rounds.
func (s Series) Calls() (n int) {
	for _, sample := range s {
		n += sample.Calls
	}
	return n
}

func (s Series) each(f func(Sample) float64) []float64 {
	values := make([]float64, len(s))
	for i := range s {
		values[i] = f(s[i])
	}
	return values
}

// Median returns the middle of the values, and NaN if there are none.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Quantile returns the value below which the part q of the values lies, from 0 to 1, linear
// between two of them; NaN if there are none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
