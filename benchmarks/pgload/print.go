package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
)

// sum puts together what the processes have done.
func (r *result) sum() (latencies [kinds]openloop.Latencies, took time.Duration) {
	for _, w := range r.Workers {
		for k := range latencies {
			latencies[k] = append(latencies[k], w.Latencies[k]...)
		}
		took = max(took, w.Took)
	}
	return latencies, took
}

// wrong reports what must not be.
func (r *result) wrong() error {
	var all []string
	n := 0
	var argon2 uint64
	for _, w := range r.Workers {
		all = append(all, w.Errors...)
		n += w.Failures
		argon2 += w.Stats.Argon2Runs
	}
	switch {
	case n > 0:
		return fmt.Errorf("%d calls failed: %s", n, strings.Join(all, "; "))
	case argon2 > 0:
		return errors.New("argon2 ran, in spite of the keyring")
	}
	return nil
}

func (r *result) print(to io.Writer, o options) {
	line := func(format string, args ...any) { fmt.Fprintf(to, format+"\n", args...) }
	latencies, took := r.sum()
	line("%d processes of %d goroutines and %d connections each, %v; of 10 verifications 9 are of %d keys; %d keys of %d subjects, made in %v, %.0f/s",
		o.Processes, o.Goroutines, o.Connections, o.Took, o.Hot, o.Keys, o.Subjects, r.Loaded.Round(time.Millisecond), float64(o.Keys)/r.Loaded.Seconds())
	calls, writes := 0, 0
	line("\n| what | calls | a second | p50 / p99 / p99.9 | slowest |\n|---|---|---|---|---|")
	for k, l := range latencies {
		s := l.Summary()
		calls += len(l)
		if kind(k) != verify {
			writes += len(l)
		}
		line("| %v | %d | %.0f | %v | %v |", kind(k), len(l), float64(len(l))/took.Seconds(), s, openloop.Short(s.Max))
	}
	line("| all | %d | %.0f | | |", calls, float64(calls)/took.Seconds())
	line("| all changes and creates | %d | %.0f | | |", writes, float64(writes)/took.Seconds())

	var reads, warm, argon2, uses, failed uint64
	refused, failures := 0, 0
	for _, w := range r.Workers {
		reads, warm, argon2 = reads+w.Stats.StoreReads, warm+w.Stats.Warm, argon2+w.Stats.Argon2Runs
		uses, failed = uses+w.Stats.LastUsedWrites, failed+w.Stats.LastUsedFailures
		refused, failures = refused+w.Refused, failures+w.Failures
	}
	line("\nerrors: %d; refused, as the key had been revoked or rotated: %d; warm: %d; reads: %d; argon2 runs: %d; last-used times written: %d, failures: %d; live keys at the end: %d",
		failures, refused, warm, reads, argon2, uses, failed, r.Live)

	line("\n| table | bytes before | after | heap grew by | indexes | inserts | updates | of them HOT | deletes | dead |\n|---|---|---|---|---|---|---|---|---|---|")
	var grew int64
	for _, name := range slices.Sorted(maps.Keys(r.After.Tables)) {
		before, after := r.Before.Tables[name], r.After.Tables[name]
		d := after.since(before)
		grew += d.Total
		hot := "-"
		if d.Updates > 0 {
			hot = fmt.Sprintf("%.1f %%", 100*float64(d.HOT)/float64(d.Updates))
		}
		line("| %s | %d | %d | %d | %d | %d | %d | %s | %d | %d |", name, before.Total, after.Total, d.Heap, d.Indexes, d.Inserts, d.Updates, hot, d.Deletes, after.Dead)
	}
	perWrite := func(n int64) float64 { return float64(n) / float64(max(1, writes)) }
	line("\nin all it grew by %d bytes, %.0f for each create and change; the server wrote %d bytes of WAL, %.0f for each, last-used times included; autovacuum is %s",
		grew, perWrite(grew), r.After.WAL-r.Before.WAL, perWrite(r.After.WAL-r.Before.WAL), r.After.Autovacuum)
}
