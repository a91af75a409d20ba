package openloop_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
)

// sleep is for synctest, whose clock stands still while anybody spins.
func sleep(until time.Time) { time.Sleep(time.Until(until)) }

// A server that answers in 1 ms, and stalls once for a second. A closed loop would tell of one
// slow request in a hundred and fifty. An open loop tells of all that came meanwhile.
func TestStallIsSeenByAllWhoCameMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		load := openloop.Load{Rate: 100, For: 10 * time.Second, Wait: sleep}
		taken, err := load.Run(t.Context(), func(i int) {
			if i == 500 {
				time.Sleep(time.Second)
			}
			time.Sleep(time.Millisecond)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(taken) != 1000 {
			t.Fatalf("%d requests, want 1000", len(taken))
		}
		// Request 501 was to start 10 ms after 500, which ended 1001 ms after its start.
		for i, want := range map[int]time.Duration{
			499: time.Millisecond,
			500: 1001 * time.Millisecond,
			501: 992 * time.Millisecond,
			502: 983 * time.Millisecond,
			610: 11 * time.Millisecond, // the last of the backlog
			612: time.Millisecond,
		} {
			if taken[i] != want {
				t.Errorf("request %d took %v, want %v", i, taken[i], want)
			}
		}
		s := taken.Summary()
		if s.P50 != time.Millisecond || s.P99 < 900*time.Millisecond {
			t.Errorf("the stall does not show: %v", s)
		}
	})
}

// The pace holds however long the requests take: nobody waits for the one before.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var starts []time.Duration
		load := openloop.Load{Rate: 3, For: 2 * time.Second, Wait: sleep}
		if _, err := load.Run(t.Context(), func(int) {
			starts = append(starts, time.Since(begin))
			time.Sleep(300 * time.Millisecond)
		}); err != nil {
			t.Fatal(err)
		}
		third := time.Second / 3
		want := []time.Duration{0, third, 2*third + 0, time.Second, time.Second + third, time.Second + 2*third}
		if len(starts) != len(want) {
			t.Fatalf("starts %v, want %v", starts, want)
		}
		for i := range want {
			if d := starts[i] - want[i]; d < 0 || d > 1 { // a nanosecond of rounding
				t.Errorf("start %d at %v, want %v", i, starts[i], want[i])
			}
		}
	})
}

// What was due when the load is stopped is made nevertheless: it is what waited longest.
func TestStopDropsNobodyWhoIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		load := openloop.Load{Rate: 100, For: 10 * time.Second, Wait: sleep}
		taken, err := load.Run(ctx, func(i int) {
			if i == 100 {
				time.Sleep(505 * time.Millisecond)
				cancel()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(taken) != 151 { // 0 to 150: that of 1.5 s was due at 1.505 s, that of 1.51 s was not
			t.Errorf("%d requests, want 151", len(taken))
		}
		for i, d := range taken {
			if d < 0 {
				t.Errorf("request %d was counted and not made", i)
			}
		}
	})
}

func TestSpin(t *testing.T) {
	t.Parallel()
	until := time.Now().Add(100 * time.Microsecond)
	openloop.Spin(until)
	if time.Now().Before(until) {
		t.Error("Spin returned early")
	}
	openloop.Spin(until) // past: at once
}

func TestWrongLoads(t *testing.T) {
	t.Parallel()
	for _, load := range []openloop.Load{{Rate: 0, For: time.Second}, {Rate: 1}, {Rate: -1, For: time.Second}} {
		if _, err := load.Run(t.Context(), func(int) {}); err == nil {
			t.Errorf("%+v: no error", load)
		}
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var l openloop.Latencies
	for i := 1000; i >= 1; i-- {
		l = append(l, time.Duration(i))
	}
	if got, want := l.Summary(), (openloop.Summary{Count: 1000, P50: 500, P99: 990, P999: 999, Max: 1000}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if l[0] != 1000 {
		t.Error("the latencies were sorted in place")
	}
	if got := (openloop.Latencies{7}).Summary(); got.P50 != 7 || got.P999 != 7 {
		t.Errorf("of one: %+v", got)
	}
	if got := (openloop.Latencies{}).Summary(); got != (openloop.Summary{}) {
		t.Errorf("of none: %+v", got)
	}
	got := openloop.Middle([]openloop.Summary{{Count: 1, P50: 3, P99: 9, Max: 9}, {Count: 2, P50: 1, P99: 30, Max: 40}, {Count: 3, P50: 2, P99: 20, Max: 20}})
	if want := (openloop.Summary{Count: 6, P50: 2, P99: 20, Max: 40}); got != want {
		t.Errorf("the middle: got %+v, want %+v", got, want)
	}
	if m := openloop.Median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("the median of four: %v", m)
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		312:                       "312 ns",
		1234 * time.Nanosecond:    "1.23 µs",
		56789 * time.Microsecond:  "56.8 ms",
		999_600 * time.Nanosecond: "1000 µs",
		1500 * time.Millisecond:   "1.50 s",
	} {
		if got := openloop.Short(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}
