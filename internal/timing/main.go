// Timing measures whether the time of a call tells what it should not: which ids are warm or exist, how much of a secret, a tag or
// a MAC was right.
//
//	go run ./internal/timing                                        # the gate of CI: |t| < 10, three times in a row
//	go run ./internal/timing -samples 1e7 -gate 5 -row 1 -tries 1   # by hand, on a quiet machine
//	go run ./internal/timing -unequal                               # and what differs, and is documented
//
// It ends with status 1 if an experiment is at the gate or above, or if a control, which is known to leak, is
// below it. docs/timing.md says what the experiments are and what the figures mean.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

func main() {
	samples := flag.Float64("samples", 1e5, "samples in a run, each of several calls")
	t := flag.Float64("gate", 10, "what |t| must be below")
	row := flag.Int("row", 3, "runs, one after the other, that must be below")
	tries := flag.Int("tries", 5, "runs at most")
	unequal := flag.Bool("unequal", false, "measure what differs, too, in one run and without a gate")
	only := flag.String("only", "", "a regular expression for names of experiments")
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(2)
	}
	p := &program{out: os.Stdout, samples: int(*samples), gate: dudect.Gate{T: *t, InARow: *row, Tries: *tries}, match: match, unequal: *unequal}
	ok, err := p.run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, "timing:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

type program struct {
	out     io.Writer
	samples int
	gate    dudect.Gate
	match   *regexp.Regexp
	unequal bool
}

func (p *program) run(ctx context.Context) (ok bool, err error) {
	begun := time.Now()
	w, err := newWorld(ctx, enough)
	if err != nil {
		return false, err
	}
	defer w.verifier.Close()
	equal, err := w.overHTTP()
	if err != nil {
		return false, err
	}
	fmt.Fprintf(p.out, "%s/%s, %s, %d cores, %s; %.0e samples a run, gate %v\n\n", runtime.GOOS, runtime.GOARCH, runtime.Version(),
		runtime.NumCPU(), begun.UTC().Format(time.DateOnly), float64(p.samples), p.gate.T)
	fmt.Fprintln(p.out, "| experiment | \\|t\\| of each run | ns, second less first | |")
	fmt.Fprintln(p.out, "|---|---|---|---|")
	ok = true
	for _, e := range append(w.equal(), equal...) {
		ok = p.judge(e, p.gate.Holds, "ok", "**LEAKS**") && ok
	}
	for _, e := range w.controls() {
		ok = p.judge(e, p.gate.Breaks, "leaks, as it must", "**NOT SEEN**") && ok
	}
	if p.unequal {
		all, err := w.unequal()
		if err != nil {
			return false, err
		}
		for _, e := range all {
			p.judge(e, once, "no gate", "")
		}
	}
	fmt.Fprintf(p.out, "\n%.0f s\n", time.Since(begun).Seconds())
	return ok, nil
}

type judge func(run func() dudect.Result) (ok bool, results []dudect.Result)

// once measures, and judges nothing.
func once(run func() dudect.Result) (bool, []dudect.Result) { return true, []dudect.Result{run()} }

func (p *program) judge(e dudect.Experiment, judge judge, good, bad string) bool {
	if !p.match.MatchString(e.Name) {
		return true
	}
	ok, results := judge(func() dudect.Result { return e.Measure(p.samples) })
	verdict := good
	if !ok {
		verdict = bad
	}
	var ts []string
	for _, r := range results {
		ts = append(ts, fmt.Sprintf("%.1f", r.T))
	}
	r := results[len(results)-1]
	fmt.Fprintf(p.out, "| %s | %s | %+.2f ± %.2f | %s |\n", e.Name, strings.Join(ts, ", "), r.Difference, 1.96*r.Error, verdict)
	return ok
}
