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
	var zero uint64 // noted, of the last answer; the compiler does not know
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
		if noted, ok := c.Find(p, 1); ok {
			found++
			zero = uint64(noted)
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
		if _, ok := c.Find(p, 1); ok {
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

// Record stands for what a store in memory keeps of a key.
type Record [704]byte

// Fill puts every key in, and makes the record of each before. As in a real program, entries that are objects then lie
// among others, as long as the caller keeps the records alive. Without them the entries would be side by side in few
// pages, whose tables the processor finds in its caches, and look faster than they are.
func Fill(c Cache, keys []Probe) []*Record {
	records := make([]*Record, len(keys))
	for i := range keys {
		records[i] = new(Record)
		c.Put(NewEntry(&keys[i], IDOf(i)))
	}
	return records
}
