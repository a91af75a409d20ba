package openloop

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Latencies are what each request took.
type Latencies []time.Duration

// Summary is what is told of latencies. The zero value is that of none.
type Summary struct {
	Count               int
	P50, P99, P999, Max time.Duration
}

// Summary sorts a copy. A percentile is the least latency that so many do not exceed (nearest rank): it is one
// that was seen, never a mean of two.
func (l Latencies) Summary() Summary {
	if len(l) == 0 {
		return Summary{}
	}
	sorted := slices.Sorted(slices.Values(l))
	rank := func(p float64) time.Duration {
		return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)]
	}
	return Summary{len(sorted), rank(0.5), rank(0.99), rank(0.999), sorted[len(sorted)-1]}
}

// String prints the percentiles.
func (s Summary) String() string {
	return fmt.Sprintf("%s / %s / %s", Short(s.P50), Short(s.P99), Short(s.P999))
}

// Short prints three digits or so, which is more than can be trusted.
func Short(d time.Duration) string {
	in := func(unit time.Duration, name string) string {
		n := float64(d) / float64(unit)
		digits := 2
		if n >= 100 {
			digits = 0
		} else if n >= 10 {
			digits = 1
		}
		return fmt.Sprintf("%.*f %s", digits, n, name)
	}
	switch {
	case d >= time.Second:
		return in(time.Second, "s")
	case d >= time.Millisecond:
		return in(time.Millisecond, "ms")
	case d >= time.Microsecond:
		return in(time.Microsecond, "µs")
	}
	return fmt.Sprintf("%d ns", d.Nanoseconds())
}

// Middle is the summary of several rounds: of each figure the median, and the greatest Max.
func Middle(rounds []Summary) (m Summary) {
	if len(rounds) == 0 {
		return m
	}
	of := func(f func(Summary) time.Duration) time.Duration {
		var all []time.Duration
		for _, s := range rounds {
			all = append(all, f(s))
		}
		return Median(all)
	}
	for _, s := range rounds {
		m.Count += s.Count
		m.Max = max(m.Max, s.Max)
	}
	m.P50 = of(func(s Summary) time.Duration { return s.P50 })
	m.P99 = of(func(s Summary) time.Duration { return s.P99 })
	m.P999 = of(func(s Summary) time.Duration { return s.P999 })
	return m
}

// Median returns the middle one; of an even number, the mean of the two in the middle. Of none
// it is zero.
func Median[T ~int64 | ~float64](of []T) T {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
