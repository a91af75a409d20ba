package main

import (
	"fmt"
	"runtime"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/caches"
)

// churn has the caches hold a tenth of the keys. A quarter of each trace warms them.
func (r *report) churn(n int) {
	keys := caches.Keys(n)
	length := n + n/5
	zipf := caches.Zipf(keys, length, 1)
	traces := []struct {
		name  string
		trace []caches.Probe
	}{
		{"zipf 1.0", zipf},
		{"zipf 0.8", caches.Zipf(keys, length, 0.8)},
		{"zipf 1.0 and scans", caches.Scanned(zipf, n/10, n/20)},
	}
	cons := caches.Evicting()
	t := table{head: []string{"hits; ns a request (x own)"}}
	var rows [][]string
	for _, con := range cons {
		rows = append(rows, []string{con.Name})
	}
	for _, tr := range traces {
		for _, procs := range []int{1, runtime.NumCPU()} {
			r.logf("churn: %s, %d goroutines", tr.name, procs)
			warm, rest := tr.trace[:len(tr.trace)/4], tr.trace[len(tr.trace)/4:]
			hits := make([][]float64, len(cons))
			figures := rounds(r.rounds, len(cons), func(_, i int) float64 {
				c := cons[i].New(caches.Options{Entries: n / 10, Bytes: int64(n/10) * caches.EntryBytes})
				caches.Churn(c, warm)
				found := 0
				ns := on(procs, func() {
					found = caches.Parallel(procs, rest, func(t []caches.Probe) int { return caches.Churn(c, t) })
				})
				hits[i] = append(hits[i], float64(found)/float64(len(rest)))
				return ns / float64(len(rest))
			})
			t.head = append(t.head, fmt.Sprintf("%s, %s", tr.name, cores(procs)))
			for i, f := range figures {
				rows[i] = append(rows[i], fmt.Sprintf("%.1f%%; %.0f (%.2f)", 100*median(hits[i]), f.ns, f.ratio))
			}
		}
	}
	t.rows = rows
	t.write(&r.text)
}
