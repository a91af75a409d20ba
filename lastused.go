package apikey

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// lastUsed collects last-used times and writes them in batches: at most one write for a
// credential and interval, none of them in the way of a Verify. What the store says is at
// most an interval and an eighth behind. What is collected is lost if the process dies.
//
// Of a warm credential the slot is put on a list, and its time is read when the list is written: a use
// touches nothing but the slot, and takes the lock once an interval. What leaves its slot before takes its
// time to the others, that are kept by their names.
type lastUsed struct {
	store    Store
	cache    *cache
	interval time.Duration
	step     int64 // ns between two uses that are worth noting
	log      *slog.Logger
	stats    *stats
	ctx      context.Context // of the flushes; ends with Close
	cancel   context.CancelFunc

	mu      sync.Mutex
	listed  []*slot
	pending map[credentialID]int64 // ns since 1970
	timer   *time.Timer            // armed while something is pending
	closed  bool

	flushing sync.Mutex     // one flush at a time
	timers   sync.WaitGroup // armed, or flushing
}

type credentialID struct {
	id     ID
	number uint16
}

const (
	// maxPending bounds what is collected, about 12 MB: beyond it a use is dropped and counted, also one that
	// loses its slot.
	// The credential's next use is noted again after an eighth of an interval.
	maxPending = 1 << 17
	// listBatch bounds how long those wait who fill the cache, while a list is read.
	listBatch = 256
	// useBatch bounds a transaction.
	useBatch = 4096
	// flushWait bounds a flush, and closeWait the one that Close waits for.
	flushWait = 30 * time.Second
	closeWait = 5 * time.Second
)

// note collects a use whose time no slot keeps.
func (u *lastUsed) note(id ID, number uint16, now int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		u.stats.useFailures.Add(1)
		return
	}
	u.put(id, number, now)
}

// keep is note for a use that a slot kept until now. Close may have begun: it was collected before.
func (u *lastUsed) keep(id ID, number uint16, at int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.put(id, number, at)
}

func (u *lastUsed) put(id ID, number uint16, at int64) {
	c := credentialID{id, number}
	if _, is := u.pending[c]; !is && u.full() {
		return
	}
	u.pending[c] = max(u.pending[c], at)
	u.arm()
}

// use collects a use at now, in ns, unless there was one not long before.
func (u *lastUsed) use(h hit, now int64) {
	if now-h.noted < u.step {
		return
	}
	if h.slot.noted.CompareAndSwap(h.noted, now) && !h.slot.listed.Load() && !u.append(h.slot) {
		return
	}
	if h.slot.entry.Load() != h.entry { // it has left, perhaps before it was on the list
		u.note(h.entry.facts.id(), h.entry.number, now)
	}
}

func (u *lastUsed) append(s *slot) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		u.stats.useFailures.Add(1)
		return false
	}
	if u.full() {
		return false
	}
	if !s.listed.Swap(true) {
		u.listed = append(u.listed, s)
	}
	u.arm()
	return true
}

// full reports whether one more is too many, and counts it then.
func (u *lastUsed) full() bool {
	if len(u.listed)+len(u.pending) >= maxPending {
		u.stats.useFailures.Add(1)
		return true
	}
	return false
}

// arm sets the timer, so that two flushes are at least one interval apart.
func (u *lastUsed) arm() {
	if u.timer == nil && !u.closed {
		u.timers.Add(1)
		u.timer = time.AfterFunc(u.interval, func() {
			defer u.timers.Done()
			ctx, cancel := context.WithTimeout(u.ctx, flushWait)
			defer cancel()
			_ = u.flush(ctx) // it is logged and counted, and comes again
		})
	}
}

// collect takes all that is pending.
func (u *lastUsed) collect() map[credentialID]int64 {
	u.mu.Lock()
	listed := u.listed
	u.listed, u.timer = nil, nil
	u.mu.Unlock()
	used := make(map[credentialID]int64, len(listed))
	latest := func(id ID, number uint16, at int64) {
		c := credentialID{id, number}
		used[c] = max(used[c], at)
	}
	for batch := range slices.Chunk(listed, listBatch) {
		u.cache.unlist(batch, latest)
	}
	u.mu.Lock() // then: what left its slot meanwhile is there, too
	pending := u.pending
	u.pending = make(map[credentialID]int64)
	u.mu.Unlock()
	for c, at := range pending {
		latest(c.id, c.number, at)
	}
	return used
}

// flush writes what is pending, until a write fails: then the store has enough to do.
func (u *lastUsed) flush(ctx context.Context) error {
	u.flushing.Lock()
	defer u.flushing.Unlock()
	used := u.collect()
	uses := make([]Use, 0, len(used))
	for c, at := range used {
		uses = append(uses, Use{c.id, c.number, time.UnixMilli(at / 1e6).UTC()})
	}
	slices.SortFunc(uses, func(a, b Use) int { // neighbours in the store are neighbours in the batch
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Number, b.Number))
	})
	for len(uses) > 0 {
		batch := uses[:min(len(uses), useBatch)]
		if err := u.store.RecordUse(ctx, batch); err != nil {
			u.stats.useFailures.Add(1)
			u.log.WarnContext(ctx, "apikey: could not write last-used times", "keys", len(uses), "err", err)
			u.putBack(uses)
			return err
		}
		u.stats.useWrites.Add(uint64(len(batch)))
		uses = uses[len(batch):]
	}
	return nil
}

// putBack keeps what could not be written for the next flush, unless newer times came.
func (u *lastUsed) putBack(uses []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, use := range uses {
		c := credentialID{use.ID, use.Number}
		if _, newer := u.pending[c]; !newer && len(u.listed)+len(u.pending) < maxPending {
			u.pending[c] = use.At.UnixNano()
		}
	}
	if len(u.pending) > 0 {
		u.arm()
	}
}

// close writes what is pending a last time, within closeWait.
func (u *lastUsed) close() error {
	u.mu.Lock()
	u.closed = true
	if u.timer != nil && u.timer.Stop() {
		u.timers.Done()
	}
	u.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	stop := context.AfterFunc(ctx, u.cancel) // a flush under way has the same time
	u.timers.Wait()
	stop()
	u.cancel()
	if err := u.flush(ctx); err != nil {
		return unavailable("write the last-used times at Close", err)
	}
	return nil
}
