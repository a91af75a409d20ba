package boltstore

import (
	"sync"
	"time"
)

// clock tells the age of changes. It is the wall clock, but never goes back: where that was set
// back, or was wrong when something was logged, it goes on from where it was, at its usual pace. If it
// stood still instead until the wall clock is there again, nothing would grow old and be forgotten.
type clock struct {
	mu    sync.Mutex
	stamp int64     // what it said last, in milliseconds since 1970
	at    time.Time // and when; zero: it has said nothing yet
}

// now returns the time, which is at least newest, the stamp of the last change, and what the wall clock says.
func (c *clock) now(newest int64) instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	stamp := max(newest, now.UnixMilli())
	if !c.at.IsZero() {
		stamp = max(stamp, c.stamp+now.Sub(c.at).Milliseconds()) // by the monotonic clock
	}
	c.stamp, c.at = stamp, now
	return instant{stamp, now.UnixMilli()}
}
