package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
)

// present calls f with 0 to n-1 from this many goroutines, which begin at once. It returns how
// long all calls took together, and each by itself.
func present(n, goroutines int, f func(i int) error) (time.Duration, openloop.Latencies, error) {
	taken := make(openloop.Latencies, n)
	errs := make([]error, goroutines)
	begin := make(chan struct{})
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			<-begin
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				at := time.Now()
				err := f(i)
				taken[i] = time.Since(at)
				if err != nil {
					errs[worker] = err
					return
				}
			}
		})
	}
	start := time.Now()
	close(begin)
	group.Wait()
	return time.Since(start), taken, errors.Join(errs...)
}
