package apikey

import (
	"sync/atomic"
	"time"
)

// clock tells the time by which expiries are judged: a wall anchor plus the monotonic clock,
// so that it never goes back while the process runs, whatever is done to the wall clock.
// The anchor is read again after at most 5 ms of use, since the monotonic clock stands still
// while the machine is suspended, and keys must not live longer for that. A wall clock set
// back is ignored; one set forward is believed.
//
// Safe for concurrent use.
type clock struct {
	base          time.Time                 // where the monotonic clock is counted from
	both          func() (wall, mono int64) // ns since 1970 and since base, read at once
	anchored      atomic.Int64              // mono of the last reading
	ahead, actual atomic.Int64              // wall minus mono: the greatest and the last seen
}

const anchorFor = int64(5 * time.Millisecond)

func newClock() *clock {
	c := &clock{base: time.Now()}
	c.both = func() (wall, mono int64) {
		t := time.Now()
		return t.UnixNano(), int64(t.Sub(c.base))
	}
	c.anchor()
	return c
}

// monotonic returns ns since base. time.Since costs half of time.Now.
func (c *clock) monotonic() int64 {
	mono := int64(time.Since(c.base))
	if mono-c.anchored.Load() >= anchorFor {
		c.anchor()
	}
	return mono
}

// read returns ns since base and ns since 1970.
func (c *clock) read() (mono, now int64) {
	mono = c.monotonic()
	return mono, mono + c.ahead.Load()
}

// nanos returns ns since 1970.
func (c *clock) nanos() int64 {
	_, now := c.read()
	return now
}

// now returns the time in UTC, in whole milliseconds.
func (c *clock) now() time.Time { return time.UnixMilli(c.nanos() / 1e6).UTC() }

// anchor reads both clocks. The greatest offset stands: it only grows, and so does time.
func (c *clock) anchor() {
	wall, mono := c.both()
	offset := wall - mono
	c.actual.Store(offset)
	for ahead := c.ahead.Load(); offset > ahead && !c.ahead.CompareAndSwap(ahead, offset); {
		ahead = c.ahead.Load()
	}
	c.anchored.Store(mono)
}
