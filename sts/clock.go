package sts

import (
	"sync/atomic"
	"time"
)

// clock tells the time, and never an earlier one than before: a wall clock that is set back while
// the process runs revives nothing. One that is set forward is believed, so that time goes on while the machine is
// suspended. Safe for concurrent use.
type clock struct {
	base  time.Time
	ahead atomic.Int64 // the greatest wall minus monotonic seen, in ns
}

func newClock() *clock { return &clock{base: time.Now()} }

func (c *clock) now() time.Time {
	t := time.Now()
	return time.Unix(0, c.step(t.UnixNano(), int64(t.Sub(c.base)))).UTC()
}

// step returns ns since 1970 for readings of both clocks.
func (c *clock) step(wall, mono int64) int64 {
	offset := wall - mono
	ahead := c.ahead.Load()
	for offset > ahead && !c.ahead.CompareAndSwap(ahead, offset) {
		ahead = c.ahead.Load()
	}
	return mono + max(ahead, offset)
}

// since returns how long ago an instant of time.Now was: by the monotonic clock, which stands still while
// the machine is suspended, or by the wall, which can be set back, whichever says more.
func since(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}
