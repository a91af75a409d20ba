package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

func (m *measured) section(o options) *report.Section {
	return &report.Section{Name: "storm", Title: "A restart storm",
		Intro: "Each round is a process of its own, which opens the bbolt file that another has written. Figures are medians of the rounds, " +
			"but for counts and peaks: they are of the worst round. Latencies are p50 / p99 / p99.9.",
		Tables: []report.Table{m.keyringTable(o), m.coldTable(o), m.queueTable(o)}}
}

func (m *measured) keyringTable(o options) report.Table {
	var reads, storms []outcome
	var ratios []float64
	for _, c := range m.keyring {
		reads, storms = append(reads, c.reads), append(storms, c.storm)
		ratios = append(ratios, float64(c.storm.Took)/float64(c.reads.Took))
	}
	ratio := openloop.Median(ratios)
	argon2 := worst(storms, func(o outcome) uint64 { return o.Argon2 })
	got := worst(storms, func(o outcome) uint64 { return o.Reads })
	want := uint64(o.keys) + 1
	return report.Table{
		Title: fmt.Sprintf("With a keyring: %d keys from %d goroutines", o.keys, o.goroutines),
		Intro: "Beside it, in processes of their own and in turns, the same reads of the store alone: `Store.Get`, same order, same goroutines. " + m.toldKeyring + ".",
		Rows: []report.Row{
			{What: "all verified in", Measured: pace(o.keys, openloop.Median(took(storms)))},
			{What: "all read in", Measured: pace(o.keys, openloop.Median(took(reads)))},
			report.Judged("storm over reads alone", span(ratios), "<= 3 x", ratio <= 3),
			{What: "a Verify", Measured: middle(storms, func(o outcome) openloop.Summary { return o.Calls })},
			{What: "a Get alone", Measured: middle(reads, func(o outcome) openloop.Summary { return o.Calls })},
			report.Judged("argon2 runs", fmt.Sprint(argon2), "0", argon2 == 0),
			report.Judged("store reads", fmt.Sprint(got), fmt.Sprintf("%d (keys and the seed)", want), got == want),
			{What: "peak RSS", Measured: fmt.Sprintf("%s, and %s with the reads alone; %s of it can be the file, which is mapped",
				peak(storms), peak(reads), report.MB(storms[0].File))},
		}}
}

func (m *measured) coldTable(o options) report.Table {
	first := m.cold[0]
	ratios := slowdowns(m.cold)
	ratio := openloop.Median(ratios)
	argon2, got := worst(m.cold, func(o outcome) uint64 { return o.Argon2 }), worst(m.cold, func(o outcome) uint64 { return o.Reads })
	notWarm := worst(m.cold, func(o outcome) uint64 { return o.NotWarm })
	late := worst(m.cold, func(o outcome) int { return o.Late })
	rss := worst(m.cold, func(o outcome) int64 { return o.PeakRSS })
	bound := 3*int64(first.Permits)*int64(hash.Default().Memory)<<10 + 50_000_000
	cost := o.cost()
	return report.Table{
		Title: fmt.Sprintf("Without a keyring: %d keys at once", o.cold),
		Intro: fmt.Sprintf("Argon2id with m=%d KiB, t=%d, p=%d behind %d permits, the default here, but with a wait of %v. "+
			"Meanwhile %d warm keys are verified %d times a second, open loop: a latency counts from the intended start. One goroutine keeps "+
			"the time by spinning, and makes the calls, so it has a core to itself and the storm has the rest; before the storm, the same pacer for %v with nothing else running. %s. "+
			"The floor is nothing but a SHA-256 of the text in the place of each warm call and golang.org/x/crypto/argon2 behind a semaphore in that of each cold one. %s. "+
			"What its p99 shows, and the other's with it, is the garbage collector: argon2 takes a new block of memory for each hash.",
			cost.Memory, cost.Time, cost.Threads, first.Permits, patience, o.warm, o.rate, first.aloneFor(o.rate).Round(100*time.Millisecond), m.toldCold, m.toldFloor),
		Rows: []report.Row{
			{What: "all verified in", Measured: pace(o.cold, openloop.Median(took(m.cold)))},
			{What: "a cold Verify", Measured: middle(m.cold, func(o outcome) openloop.Summary { return o.Calls })},
			{What: fmt.Sprintf("later than %v, a gate's default wait", defaultWait), Measured: fmt.Sprint(late)},
			report.Judged("argon2 runs", fmt.Sprintf("%d, and %d before, to make keys warm", argon2, first.Before), fmt.Sprint(o.cold), argon2 == uint64(o.cold)),
			report.Judged("store reads", fmt.Sprint(got), fmt.Sprint(o.cold), got == uint64(o.cold)),
			report.Judged("warm calls that were not warm", fmt.Sprint(notWarm), "0", notWarm == 0),
			{What: "a warm Verify, alone", Measured: middle(m.cold, func(o outcome) openloop.Summary { return o.Alone })},
			{What: "a warm Verify, in the storm", Measured: middle(m.cold, func(o outcome) openloop.Summary { return o.During })},
			report.Judged("warm p99, in the storm over alone", span(ratios), "<= 3 x", ratio <= 3),
			report.Judged("peak RSS", report.MB(rss), fmt.Sprintf("<= %s (3 x permits x m + 50 MB)", report.MB(bound)), rss <= bound),
			{What: "the floor: all hashed in", Measured: pace(o.cold, openloop.Median(took(m.floor)))},
			{What: "the floor: a SHA-256, alone", Measured: middle(m.floor, func(o outcome) openloop.Summary { return o.Alone })},
			{What: "the floor: a SHA-256, in the storm", Measured: middle(m.floor, func(o outcome) openloop.Summary { return o.During })},
			{What: "the floor: p99, in the storm over alone", Measured: span(slowdowns(m.floor))},
			{What: "the floor: peak RSS", Measured: peak(m.floor)},
		}}
}

func (m *measured) queueTable(o options) report.Table {
	crowd := openloop.Middle(summaries(m.queue, func(o outcome) openloop.Summary { return o.Refused }))
	onTop := openloop.Middle(summaries(m.queue, func(o outcome) openloop.Summary { return o.OnTop }))
	reads := openloop.Middle(summaries(m.reads, func(o outcome) openloop.Summary { return o.Calls }))
	var last []time.Duration
	for _, q := range m.queue {
		last = append(last, q.Last)
	}
	return report.Table{
		Title: "A full queue",
		Intro: fmt.Sprintf("%d keys and a queue of %d, %d rounds. Whoever comes to a full queue pays for a read of the store and is refused. If all come at once to a "+
			"process that has just started, they also wait for each other: for the first read, for the store, and for a core.", o.cold, o.queue, len(m.queue)),
		Rows: []report.Row{
			{What: "calls after it was full", Measured: fmt.Sprintf("%d of %d refused", onTop.Count, (o.cold-o.queue-m.queue[0].Permits)*len(m.queue))},
			report.Judged("p99 of a refusal", fmt.Sprintf("%s (p50 %s, the slowest %s)", openloop.Short(onTop.P99), openloop.Short(onTop.P50), openloop.Short(onTop.Max)), "< 1 ms", onTop.P99 < time.Millisecond),
			{What: "calls of all at once", Measured: fmt.Sprintf("%d of %d refused", crowd.Count, o.cold*len(m.queue))},
			report.Judged("p99 of a refusal", fmt.Sprintf("%s (p50 %s, the slowest %s)", openloop.Short(crowd.P99), openloop.Short(crowd.P50), openloop.Short(crowd.Max)), "< 1 ms", crowd.P99 < time.Millisecond),
			{What: "the floor: p99 of those reads of the store alone, all at once", Measured: fmt.Sprintf("%s (p50 %s, the slowest %s)", openloop.Short(reads.P99), openloop.Short(reads.P50), openloop.Short(reads.Max))},
			{What: "the last refusal, after the first call", Measured: openloop.Short(openloop.Median(last))},
			{What: "argon2 runs, all at once", Measured: fmt.Sprint(worst(m.queue, func(o outcome) uint64 { return o.Argon2 }))},
			{What: "store reads, all at once", Measured: fmt.Sprint(worst(m.queue, func(o outcome) uint64 { return o.Reads }))},
			{What: "peak RSS", Measured: peak(m.queue)},
		}}
}

// slowdowns are of the p99 of warm traffic in a storm.
func slowdowns(rounds []outcome) (ratios []float64) {
	for _, r := range rounds {
		ratios = append(ratios, float64(r.During.P99)/float64(r.Alone.P99))
	}
	return ratios
}

func (o outcome) aloneFor(rate int) time.Duration {
	return time.Duration(o.Alone.Count) * time.Second / time.Duration(rate)
}

func took(rounds []outcome) (all []time.Duration) {
	for _, r := range rounds {
		all = append(all, r.Took)
	}
	return all
}

func summaries(rounds []outcome, of func(outcome) openloop.Summary) (all []openloop.Summary) {
	for _, r := range rounds {
		all = append(all, of(r))
	}
	return all
}

func middle(rounds []outcome, of func(outcome) openloop.Summary) string {
	return openloop.Middle(summaries(rounds, of)).String()
}

// worst is the greatest of the rounds.
func worst[T uint64 | int64 | int](rounds []outcome, of func(outcome) T) (n T) {
	for _, r := range rounds {
		n = max(n, of(r))
	}
	return n
}

func peak(rounds []outcome) string {
	return report.MB(worst(rounds, func(o outcome) int64 { return o.PeakRSS }))
}

// pace prints a time and what it means for each second.
func pace(n int, d time.Duration) string {
	return fmt.Sprintf("%s, %.0f/s", openloop.Short(d), float64(n)/d.Seconds())
}

// span prints the median and from where to where the rounds go.
func span(ratios []float64) string {
	return fmt.Sprintf("%.2f x (%.2f to %.2f)", openloop.Median(ratios), slices.Min(ratios), slices.Max(ratios))
}
