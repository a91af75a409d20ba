package boltstore

import (
	"sync"
	"time"
)

// clock tells the age of changes. It begins where the wall clock is, or the stamp of the last change if that is
// later, and goes on by the monotonic clock: nothing that is done to the wall clock makes a change seem older than it is. While the
// machine is suspended it stands still, and changes are kept for longer.
type clock struct {
	mu    sync.Mutex
	stamp int64     // what it said first, in milliseconds since 1970
	at    time.Time // and when; zero: it has said nothing yet
}

// now returns the time. newest is the stamp of the last change.
func (c *clock) now(newest int64) instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.at.IsZero() {
		c.stamp, c.at = max(newest, now.UnixMilli()), now
	}
	up := now.Sub(c.at)
	if ahead := newest - (c.stamp + up.Milliseconds()); ahead > 0 {
		c.stamp += ahead
	}
	return instant{c.stamp + up.Milliseconds(), now.UnixMilli(), up}
}
