package promises_test

import (
	"math"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// Every row runs, passes its own checks of the counters, and gives figures that can be true. How
// good they are is not for a test to say.
func TestEveryRow(t *testing.T) {
	lab := &promises.Lab{Config: promises.Config{
		Options: measure.Options{Rounds: 3, Slice: 2 * time.Millisecond},
		Keys:    2000, BoltKeys: 500, Refused: 256, Dir: t.TempDir(),
	}}
	t.Cleanup(func() { lab.Close() })
	for _, row := range promises.Rows() {
		t.Run(row.Name, func(t *testing.T) {
			lines, err := row.Run(t.Context(), lab)
			if err != nil {
				t.Fatal(err)
			}
			if len(lines) == 0 && row.Name != "cores" {
				t.Fatal("no figures")
			}
			for _, l := range lines {
				m := l.Median()
				if l.What == "" || len(l.Values) == 0 || math.IsNaN(m) || math.IsInf(m, 0) || m < 0 {
					t.Errorf("%+v", l)
				}
				if l.Unit == "" && (l.Against == "" || m == 0 || l.Nanos == 0) && row.Name != "cores" {
					t.Errorf("not a whole ratio: %+v", l)
				}
				if l.Unit == promises.Bytes && (m < 200 || m > 20_000) {
					t.Errorf("%s: %v bytes", l.What, m)
				}
				if l.Target != nil {
					l.Met()
				}
			}
		})
	}
}

func TestTargets(t *testing.T) {
	for _, test := range []struct {
		target promises.Target
		value  float64
		met    bool
	}{
		{promises.Target{Bound: 1}, 1, true},
		{promises.Target{Bound: 1}, 1.01, false},
		{promises.Target{Bound: 0.95, AtLeast: true}, 0.95, true},
		{promises.Target{Bound: 0.95, AtLeast: true}, 0.94, false},
	} {
		l := promises.Line{Target: &test.target, Values: []float64{0, test.value, 1000}}
		if l.Met() != test.met {
			t.Errorf("%+v with %v: %v", test.target, test.value, l.Met())
		}
	}
}

// A refusal that did anything else is no cheap refusal, whatever its time.
func TestRefusedCheaply(t *testing.T) {
	malformed := func(s *apikey.Stats) *uint64 { return &s.Malformed }
	for name, test := range map[string]struct {
		after apikey.Stats
		ok    bool
	}{
		"refused":        {apikey.Stats{Malformed: 5}, true},
		"last use":       {apikey.Stats{Malformed: 5, LastUsedWrites: 7}, true},
		"nothing":        {apikey.Stats{}, false},
		"another reason": {apikey.Stats{Malformed: 5, Unknown: 1}, false},
		"store read":     {apikey.Stats{Malformed: 5, StoreReads: 1}, false},
		"argon2":         {apikey.Stats{Malformed: 5, Argon2Runs: 1}, false},
		"cached":         {apikey.Stats{Malformed: 5, CachedEntries: 1}, false},
	} {
		if err := promises.RefusedCheaply(apikey.Stats{}, test.after, malformed); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{7: "7", 999: "999", 1000: "1,000", 65536: "65,536", 1_000_000: "1,000,000"} {
		if got := promises.Count(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
