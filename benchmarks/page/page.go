// Package page writes what was measured as a page and a chart.
package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// Page is all that is known of one run.
type Page struct {
	Machine Machine
	Command string
	Began   time.Time
	Took    time.Duration
	Only    string // what the run was restricted to; "": nothing
	Config  promises.Config

	Credentials int // that each peer has
	Peers       []Peer
	Lines       []promises.Line
	Chart       string // the name of its file
}

// Peer is what was measured of one.
type Peer struct {
	peers.Kind
	Version          string
	Revocable        bool
	Serial, Parallel measure.Series
}

// library returns what was measured of this library; nil: nothing.
func (p *Page) library() *Peer {
	i := slices.IndexFunc(p.Peers, func(peer Peer) bool { return peer.Name == peers.Library })
	if i < 0 {
		return nil
	}
	return &p.Peers[i]
}

// Against returns a line that says how much longer than this library, serial, a peer takes.
func (p *Page) Against(name string, target *promises.Target) (promises.Line, bool) {
	library := p.library()
	i := slices.IndexFunc(p.Peers, func(peer Peer) bool { return peer.Name == name })
	if library == nil || i < 0 {
		return promises.Line{}, false
	}
	peer := &p.Peers[i]
	return promises.Line{
		What: peer.Name + " (" + peer.module() + "), time of a call", Against: "a warm `Verify`", Target: target,
		Values: measure.Ratios(peer.Serial, library.Serial), Nanos: peer.Serial.Nanos(), AgainstNanos: library.Serial.Nanos(),
	}, true
}

func (p *Peer) module() string {
	switch {
	case p.Name == peers.Library:
		return "this library"
	case p.Module == "":
		return "standard library"
	}
	return strings.TrimSuffix(strings.TrimPrefix(p.Module, "github.com/")+" "+p.Version, " ")
}

// times writes a ratio.
func times(r float64) string {
	switch {
	case math.IsNaN(r):
		return "-"
	case r >= 99.95:
		return commas(r) + " x"
	case r >= 9.995:
		return fmt.Sprintf("%.1f x", r)
	case r >= 0.0995:
		return fmt.Sprintf("%.2f x", r)
	}
	return fmt.Sprintf("%.3f x", r)
}

func commas(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// took writes a time of a call with three digits.
func took(ns float64) string {
	if ns == 0 || math.IsNaN(ns) {
		return ""
	}
	unit := "ns"
	for _, next := range []string{"µs", "ms", "s"} {
		if ns < 999.5 {
			break
		}
		ns, unit = ns/1000, next
	}
	switch {
	case ns < 9.995:
		return fmt.Sprintf("%.2f %s", ns, unit)
	case ns < 99.95:
		return fmt.Sprintf("%.1f %s", ns, unit)
	}
	return fmt.Sprintf("%.0f %s", ns, unit)
}

// quantity writes a value of a line.
func quantity(l *promises.Line, v float64) string {
	switch {
	case l.Unit == "":
		return times(v)
	case l.Unit == promises.Allocations && v < 0.001:
		return "0"
	case l.Unit == promises.Allocations && v < 0.1:
		return fmt.Sprintf("%.3f", v)
	case l.Unit == promises.Allocations:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	case v >= 99.95:
		return commas(v) + " " + l.Unit
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + l.Unit
}

// spread writes the quartiles, unless there is but one value.
func spread(l *promises.Line) string {
	if len(l.Values) < 2 {
		return "one value"
	}
	low, high := quantity(l, measure.Quantile(l.Values, 0.25)), quantity(l, measure.Quantile(l.Values, 0.75))
	if low == high {
		return low
	}
	return low + " to " + high
}

// target writes what was wanted.
func target(l *promises.Line) string {
	if l.Target.Text != "" {
		return l.Target.Text
	}
	sign := "≤ "
	if l.Target.AtLeast {
		sign = "≥ "
	}
	return sign + quantity(l, l.Target.Bound)
}
