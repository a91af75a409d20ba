package main

import (
	"fmt"
	"slices"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
)

func (m *measured) section(o options) *report.Section {
	s := &report.Section{Name: "flood", Title: "A flood",
		Intro: fmt.Sprintf("%d warm keys are verified %d times a second, open loop: a latency counts from the intended start. One goroutine keeps the time by "+
			"spinning, and makes the calls, so it has a core to itself, with and without the flood. %d at full speed do the flooding. "+
			"A round is %v without the flood and as long with it. Figures are medians of the rounds, but for counts: they are sums. Latencies are p50 / p99 / p99.9.",
			o.warm, o.rate, o.flooders, o.round)}
	for i, k := range kinds {
		s.Tables = append(s.Tables, table(k.name, m.told[i], m.rounds[i]))
	}
	s.Tables = append(s.Tables, report.Table{Title: "The process", Rows: []report.Row{
		{What: "peak RSS, all floods", Measured: report.MB(m.peakRSS)}}})
	return s
}

func table(title, told string, rounds []round) report.Table {
	var pace, ratios []float64
	var alone, during []openloop.Summary
	var sum round
	for _, r := range rounds {
		pace = append(pace, float64(r.texts)/r.took.Seconds())
		ratios = append(ratios, float64(r.during.P99)/float64(r.alone.P99))
		alone, during = append(alone, r.alone), append(during, r.during)
		sum.argon2 += r.argon2
		sum.reads += r.reads
		sum.texts += r.texts
		sum.notWarm += r.notWarm
	}
	ratio := openloop.Median(ratios)
	return report.Table{Title: title, Intro: told + ".", Rows: []report.Row{
		{What: "refused", Measured: fmt.Sprintf("%.2f million/s, %d in all", openloop.Median(pace)/1e6, sum.texts)},
		{What: "a warm Verify, alone", Measured: openloop.Middle(alone).String()},
		{What: "a warm Verify, in the flood", Measured: openloop.Middle(during).String()},
		report.Judged("warm p99, in the flood over alone", fmt.Sprintf("%.2f x (%.2f to %.2f)", ratio, slices.Min(ratios), slices.Max(ratios)), "<= 2 x", ratio <= 2),
		report.Judged("argon2 runs", fmt.Sprint(sum.argon2), "0", sum.argon2 == 0),
		report.Judged("warm calls that were not warm", fmt.Sprint(sum.notWarm), "0", sum.notWarm == 0),
		report.Judged("store reads", fmt.Sprint(sum.reads), "0", sum.reads == 0),
	}}
}
