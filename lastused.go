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
// credential and interval, none of them in the way of a Verify. A time reaches the store at
// most an eighth over one interval late. What is collected is lost if the process dies.
type lastUsed struct {
	store    Store
	interval time.Duration
	log      *slog.Logger
	stats    *stats

	mu      sync.Mutex
	pending map[credentialID]time.Time
	timer   *time.Timer // armed while something is pending
	closed  bool

	flushing sync.Mutex     // one flush at a time
	timers   sync.WaitGroup // armed, or flushing
}

type credentialID struct {
	id     ID
	number uint16
}

const (
	// maxPending bounds what is collected, about 16 MB: beyond it a use is dropped and counted,
	// and noted again when the credential is next used.
	maxPending = 1 << 17
	// useBatch bounds a transaction.
	useBatch = 4096
	// closeWait bounds each write that Close waits for.
	closeWait = 5 * time.Second
)

// due reports whether a use at now, in ns, is worth noting after one at noted.
func (u *lastUsed) due(noted, now int64) bool { return now-noted >= int64(u.interval)/8 }

func (u *lastUsed) note(id ID, number uint16, now int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := credentialID{id, number}
	if _, is := u.pending[c]; u.closed || !is && len(u.pending) >= maxPending {
		u.stats.useFailures.Add(1)
		return
	}
	u.pending[c] = time.UnixMilli(now / 1e6).UTC()
	u.arm()
}

// arm sets the timer, so that two flushes are at least one interval apart.
func (u *lastUsed) arm() {
	if u.timer == nil && !u.closed {
		u.timers.Add(1)
		u.timer = time.AfterFunc(u.interval, func() {
			defer u.timers.Done()
			u.flush()
		})
	}
}

// flush writes what is pending.
func (u *lastUsed) flush() {
	u.flushing.Lock()
	defer u.flushing.Unlock()
	u.mu.Lock()
	batch := make([]Use, 0, len(u.pending))
	for c, at := range u.pending {
		batch = append(batch, Use{c.id, c.number, at})
	}
	clear(u.pending)
	u.timer = nil
	u.mu.Unlock()
	slices.SortFunc(batch, func(a, b Use) int { // neighbours in the store are neighbours in the batch
		return cmp.Or(a.ID.Compare(b.ID), cmp.Compare(a.Number, b.Number))
	})
	for uses := range slices.Chunk(batch, useBatch) {
		u.write(uses)
	}
}

func (u *lastUsed) write(uses []Use) {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	if err := u.store.RecordUse(ctx, uses); err != nil {
		u.stats.useFailures.Add(1)
		u.log.WarnContext(ctx, "apikey: could not write last-used times", "keys", len(uses), "err", err)
		u.putBack(uses)
		return
	}
	u.stats.useWrites.Add(uint64(len(uses)))
}

// putBack keeps what could not be written for the next flush, unless newer times came.
func (u *lastUsed) putBack(uses []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, use := range uses {
		c := credentialID{use.ID, use.Number}
		if _, newer := u.pending[c]; !newer && len(u.pending) < maxPending {
			u.pending[c] = use.At
		}
	}
	if len(u.pending) > 0 {
		u.arm()
	}
}

// close writes what is pending a last time.
func (u *lastUsed) close() {
	u.mu.Lock()
	u.closed = true
	if u.timer != nil && u.timer.Stop() {
		u.timers.Done()
	}
	u.mu.Unlock()
	u.timers.Wait()
	u.flush()
}
