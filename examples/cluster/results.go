package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// results are of all keys in all processes.
type results struct {
	staleness, took    time.Duration
	calls, warm, reads uint64
	lags, heard        []time.Duration // by key
	before             int             // of the lags, those below zero, which count as zero
	late, early        int             // of a key in a process: accepted after the bound, refused before it was revoked
}

func newResults(keys []*issued, all []totals, staleness, took time.Duration) *results {
	r := &results{staleness: staleness, took: took}
	for _, t := range all {
		r.calls, r.warm, r.reads = r.calls+t.Calls, r.warm+t.Warm, r.reads+t.Reads
	}
	for n, key := range keys {
		var accepted, refused int64 // the last of the processes
		for _, t := range all {
			one := t.Refusals[n]
			accepted, refused = max(accepted, one.Accepted), max(refused, one.Refused)
			if one.Accepted > key.revoked.Add(staleness).UnixNano() {
				r.late++
			}
			if one.Refused < key.asked.UnixNano() { // or not at all
				r.early++
			}
		}
		lag := time.Duration(accepted - key.revoked.UnixNano())
		if lag < 0 {
			r.before++
		}
		r.lags = append(r.lags, max(lag, 0))
		r.heard = append(r.heard, max(time.Duration(refused-key.revoked.UnixNano()), 0))
	}
	return r
}

// print returns an error if something is as it must not be.
func (r *results) print(w io.Writer) error {
	seconds := r.took.Seconds()
	fmt.Fprintf(w, "%d revocations, %.1fs in all; %d calls of Verify, %.0f a second, %.3f%% of them answered from memory, %d reads of records\n",
		len(r.lags), seconds, r.calls, float64(r.calls)/seconds, 100*float64(r.warm)/float64(r.calls), r.reads)
	fmt.Fprintln(w, "after Revoke had returned          min       p50       p90       p99       max")
	fmt.Fprintf(w, "the last acceptance began   %s\n", distribution(r.lags))
	fmt.Fprintf(w, "every process had refused   %s\n", distribution(r.heard))
	fmt.Fprintf(w, "the last acceptance of %d keys began before Revoke had returned, which counts as 0\n", r.before)
	if r.late > 0 || r.early > 0 {
		fmt.Fprintf(w, "ACCEPTED AFTER THE BOUND OF %v: %d; refused before revoked: %d\n", r.staleness, r.late, r.early)
		return errors.New("what was measured breaks the promise")
	}
	_, err := fmt.Fprintf(w, "acceptances that began after the bound of %v: 0\n", r.staleness)
	return err
}

// distribution sorts.
func distribution(all []time.Duration) string {
	slices.Sort(all)
	var line string
	for _, percent := range []int{0, 50, 90, 99, 100} {
		rank := max(1, (len(all)*percent+99)/100) // the nearest that is not below
		line += fmt.Sprintf("%10v", all[rank-1].Round(10*time.Microsecond))
	}
	return line
}
