package caches

import "sync"

// Drive asks for one probe after the other and returns how many were found. Each probe waits
// for the answer to the one before, as a request waits for its own: else the processor looks up
// several at once, and a chain of misses costs no more than one.
//
// With every > 0, each so many-th request is a write: in turn, it forgets a credential, and puts
// it back as a new entry.
func Drive(c Cache, trace []Probe, every int) (found int) {
	p := new(Probe) // it would escape at each call
	var gone *Probe
	var zero uint64 // that of the last answer; the compiler does not know
	left := every
	for i := range trace {
		if left--; left == 0 {
			left = every
			if gone != nil {
				c.Put(NewEntry(gone, ID{}))
				gone = nil
			} else {
				gone = &trace[i]
				c.Remove(gone.Tag)
			}
			continue
		}
		*p = trace[i]
		p.Tag[1] += zero
		if e := c.Find(p, 1); e != nil {
			found++
			zero = uint64(e.Noted.Load())
		}
	}
	if gone != nil {
		c.Put(NewEntry(gone, ID{}))
	}
	return found
}

// Churn asks for one after the other and puts in what it does not find, as a verification does.
func Churn(c Cache, trace []Probe) (found int) {
	p := new(Probe)
	for i := range trace {
		*p = trace[i]
		if e := c.Find(p, 1); e != nil {
			found++
		} else {
			c.Put(NewEntry(p, ID{}))
		}
	}
	return found
}

// Parallel gives each of n goroutines its part of the trace, and returns the sum.
func Parallel(n int, trace []Probe, f func([]Probe) int) (found int) {
	var wg sync.WaitGroup
	sums := make([]int, n)
	for g := range n {
		wg.Go(func() { sums[g] = f(trace[g*len(trace)/n : (g+1)*len(trace)/n]) })
	}
	wg.Wait()
	for _, s := range sums {
		found += s
	}
	return found
}

// Fill puts every key in.
func Fill(c Cache, keys []Probe) {
	for i := range keys {
		c.Put(NewEntry(&keys[i], IDOf(i)))
	}
}
