package sts_test

import (
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/sts"
)

// A wall clock that is set back moves no time back, and time goes on meanwhile; one set forward, or after a
// suspend, is believed.
func TestClock(t *testing.T) {
	t.Parallel()
	const second, hour = int64(time.Second), int64(time.Hour)
	step := sts.NewClock()
	for _, c := range []struct {
		what             string
		wall, mono, want int64
	}{
		{"at first", 1000 * hour, 0, 1000 * hour},
		{"a second later", 1000*hour + second, second, 1000*hour + second},
		{"set back by an hour", 999*hour + 2*second, 2 * second, 1000*hour + 2*second},
		{"a minute later", 999*hour + 62*second, 62 * second, 1000*hour + 62*second},
		{"set right", 1000*hour + 63*second, 63 * second, 1000*hour + 63*second},
		{"after a suspend", 1003*hour + 64*second, 64 * second, 1003*hour + 64*second},
	} {
		if got := step(c.wall, c.mono); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, time.Duration(got), time.Duration(c.want))
		}
	}
}
