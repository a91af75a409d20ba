package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// figure is the median of some rounds, and of the ratios to the first of each round.
type figure struct{ ns, ratio float64 }

// rounds times each of n, one after the other in an order that rotates, and takes the medians.
// time returns the ns of one request. No collection runs meanwhile: it would be charged to
// whoever comes next.
func rounds(count, n int, time func(round, i int) float64) []figure {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	ns, ratios := make([][]float64, n), make([][]float64, n)
	for round := range count {
		took := make([]float64, n)
		for k := range n {
			i := (k + round) % n
			took[i] = time(round, i)
		}
		for i := range n {
			ns[i] = append(ns[i], took[i])
			ratios[i] = append(ratios[i], took[i]/took[0])
		}
		runtime.GC()
	}
	figures := make([]figure, n)
	for i := range n {
		figures[i] = figure{median(ns[i]), median(ratios[i])}
	}
	return figures
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

// on runs f with so many processors, so that what a library does in the background counts
// where there is one.
func on(procs int, f func()) (ns float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	start := time.Now()
	f()
	return float64(time.Since(start).Nanoseconds())
}
