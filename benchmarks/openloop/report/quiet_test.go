package report_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
)

// Rounds beside which somebody else was busy are taken again, but not for ever.
func TestQuietest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ shares, want []float64 }{
		"all quiet":         {[]float64{0.01, 0, 0.02}, []float64{0, 0.01, 0.02}},
		"one taken again":   {[]float64{0.01, 0.5, 0, 0.02}, []float64{0, 0.01, 0.02}},
		"never quiet":       {[]float64{0.5, 0.4, 0.3, 0.6, 0.7, 0.9}, []float64{0.3, 0.4, 0.5}},
		"quiet at the last": {[]float64{0.5, 0.4, 0.3, 0, 0, 0}, []float64{0, 0, 0}},
	} {
		rest := test.shares
		got, told, err := report.Quietest(3, 0.02, func() (float64, error) {
			share := rest[0]
			rest = rest[1:]
			return share, nil
		}, func(share float64) float64 { return share })
		if err != nil || !slices.Equal(got, test.want) || len(rest) != 0 || !strings.HasPrefix(told, "3 of ") {
			t.Errorf("%s: got %v, %q, %v, %d not taken; want %v", name, got, told, err, len(rest), test.want)
		}
		if strings.Contains(told, "says little") != (name == "never quiet") {
			t.Errorf("%s: %s", name, told)
		}
	}
	broken := errors.New("broken")
	if _, _, err := report.Quietest(1, 0, func() (int, error) { return 0, broken }, func(int) float64 { return 0 }); err != broken {
		t.Errorf("got %v", err)
	}
}

// What this process does itself is not what others do.
func TestOthers(t *testing.T) {
	t.Parallel()
	if s := report.WatchOthers().Share(); s < 0 || s > 1 {
		t.Errorf("a share of %v", s)
	}
}
