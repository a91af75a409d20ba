package apikey

import (
	"math"
	"sync/atomic"
	"time"
)

// feed is what a Verifier knows of changes to the store: which records it may go on
// trusting. Safe for concurrent use, without locks.
type feed struct {
	clock     *clock
	watched   bool  // the store tells of changes
	alone     bool  // nobody else can write: silence is fresh
	staleness int64 // ns after which silence is not trusted

	gaps    atomic.Uint64
	changes [256]atomic.Uint64 // by a byte of the id: a neighbour's change costs a read, no more

	// The latest Fresh by both clocks. The monotonic one stands still while the machine is
	// suspended, the wall can be set back; the greater age counts.
	freshMono, freshWall atomic.Int64
}

func newFeed(c *clock, store Store, staleness time.Duration) *feed {
	f := &feed{clock: c, staleness: int64(staleness)}
	f.freshMono.Store(math.MinInt64 / 2)
	if w, ok := store.(Watcher); ok {
		f.watched, f.alone = true, w.Heartbeat() == 0
	}
	return f
}

// mark is a position in the feed as far as one record is concerned.
type mark struct{ gaps, changes uint64 }

func (f *feed) mark(id ID) mark {
	return mark{f.gaps.Load(), f.changes[id[len(id)-1]].Load()}
}

// changed comes before the record is distrusted in the cache, and what is filled into the
// cache compares marks under the cache's lock: so no fill of an older state can come after.
func (f *feed) changed(id ID) { f.changes[id[len(id)-1]].Add(1) }

func (f *feed) gap() { f.gaps.Add(1) }

func (f *feed) fresh(at time.Time) {
	mono := int64(at.Sub(f.clock.base))
	for last := f.freshMono.Load(); mono > last; last = f.freshMono.Load() {
		if f.freshMono.CompareAndSwap(last, mono) {
			f.freshWall.Store(at.UnixNano())
			return
		}
	}
}

// live reports whether what the feed has not told of has not happened, within the bound.
func (f *feed) live() bool { return f.liveAt(f.clock.monotonic()) }

// liveAt is live at an instant of the monotonic clock.
func (f *feed) liveAt(mono int64) bool {
	if f.alone || !f.watched {
		return f.alone
	}
	return mono-f.freshMono.Load() <= f.staleness &&
		mono+f.clock.actual.Load()-f.freshWall.Load() <= f.staleness
}
