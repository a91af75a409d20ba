// Package promises measures what this library promises of its speed and its memory, each promise
// against what it is a ratio to, in one run.
package promises

import (
	"context"
	"runtime"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
)

// Config is how much to measure.
type Config struct {
	measure.Options
	Keys     int    // that are many: in the rows of a large cache
	BoltKeys int    // in a bbolt file
	Refused  int    // distinct texts that are refused
	Dir      string // for bbolt files
}

// Row is one promise, or a few that are measured together.
type Row struct {
	Name string // to ask for it by
	Big  bool   // it needs the large cache, so it is best run after what doesn't
	Run  func(context.Context, *Lab) ([]Line, error)
}

// Rows returns all rows.
func Rows() []Row {
	return []Row{
		{"warm", false, warm},
		{"warm-many", true, warmMany},
		{"cores", false, cores},
		{"garbage", true, garbage},
		{"forged", true, forged},
		{"cold", false, cold},
		{"create", false, create},
		{"commits", false, commits},
		{"memory", true, memory},
	}
}

// Units of lines that are no ratios.
const (
	Allocations = "allocations"
	Bytes       = "bytes"
	Creates     = "creates"
)

// Line is one figure.
type Line struct {
	What    string
	Against string // what it is a ratio to; "": it is no ratio
	Unit    string // one of the above; "": it is a ratio
	Target  *Target
	Values  []float64 // one for each round

	// Median times of a call of both sides, in ns; 0: there are none.
	Nanos, AgainstNanos float64
}

// Target is what a median should be.
type Target struct {
	Bound   float64
	AtLeast bool   // else at most
	Text    string // "": the bound
}

// Median returns the middle of the values.
func (l *Line) Median() float64 { return measure.Median(l.Values) }

// Met reports whether the median is what it should be.
func (l *Line) Met() bool {
	if l.Target.AtLeast {
		return l.Median() >= l.Target.Bound
	}
	return l.Median() <= l.Target.Bound
}

func atMost(bound float64) *Target  { return &Target{Bound: bound} }
func atLeast(bound float64) *Target { return &Target{Bound: bound, AtLeast: true} }

// ratio is a line that says how much longer a takes than b.
func ratio(what, against string, target *Target, a, b measure.Series) Line {
	return Line{What: what, Against: against, Target: target, Values: measure.Ratios(a, b), Nanos: a.Nanos(), AgainstNanos: b.Nanos()}
}

// noAllocs is a line that says how much is allocated in a call that should allocate nothing. All that the
// process allocates is counted, so a few in a million calls are the runtime's own.
func noAllocs(what string, s measure.Series) Line {
	l := Line{What: what, Unit: Allocations, Target: &Target{Bound: 0.001, Text: "0 (under 1 in 1,000 calls)"}}
	for _, sample := range s {
		l.Values = append(l.Values, sample.Allocs)
	}
	return l
}

// Lab holds what more than one row needs. It is for one goroutine.
type Lab struct {
	Config

	many *warmKeys
}

// manyKeys returns as many warm keys as the configuration says. They are made at the first call.
func (l *Lab) manyKeys(ctx context.Context) (*warmKeys, error) {
	if l.many == nil {
		k, err := newKeys(ctx, l.Keys)
		if err != nil {
			return nil, err
		}
		if l.many, err = k.warm(ctx); err != nil {
			return nil, err
		}
	}
	return l.many, nil
}

// Close ends what the rows have begun.
func (l *Lab) Close() error {
	if l.many == nil {
		return nil
	}
	return l.many.verifier.Close()
}

func allCores() int { return runtime.GOMAXPROCS(0) }
