package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

const (
	workers = 4
	// deadEvery is the pause after a key that was refused is tried again. Each try is a read of the database.
	deadEvery = 5 * time.Millisecond
	// recent is how many of the last keys that were refused are tried again and again.
	recent = 64
	// warmAfter is how many acceptances show that a key is in memory: the first puts it there.
	warmAfter = 2
)

// load verifies keys.
type load struct {
	verifier *apikey.Verifier
	every    time.Duration
	out      *reporter
	fail     context.CancelCauseFunc

	live atomic.Pointer[[]*watched] // copied to be changed
	mu   sync.Mutex                 // for who changes it, and for dead
	dead []*watched                 // in the order in which they were refused
}

// watched is a key.
type watched struct {
	number   int
	text     string
	accepted atomic.Int64 // calls
	last     atomic.Int64 // when the last of them that accepted it began
	refused  atomic.Int64 // when the first that refused it had returned
}

// obey verifies what orders say, until they say that it is enough, or ctx ends.
func (l *load) obey(ctx context.Context, orders <-chan order) error {
	working, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for range workers {
		all.Go(func() { l.verifyAll(working) })
	}
	all.Go(func() { l.verifyDead(working) })
	l.out.tell(event{Kind: ready})
	for {
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); cause != io.EOF { // which is that nobody wants anything any more
				return cause
			}
			return nil
		case o := <-orders:
			if !o.Finish {
				l.add(o.Key, o.Text)
				continue
			}
			stop()
			all.Wait()
			for _, k := range l.dead { // if one were accepted again, it should be seen
				l.verify(ctx, k)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			l.out.tell(event{Kind: done, Totals: l.totals()})
			return nil
		}
	}
}

func (l *load) add(number int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setLive(append(slices.Clone(l.keys()), &watched{number: number, text: text}))
}

func (l *load) keys() []*watched {
	if p := l.live.Load(); p != nil {
		return *p
	}
	return nil
}

func (l *load) setLive(keys []*watched) { l.live.Store(&keys) }

// verifyAll verifies all live keys, over and over.
func (l *load) verifyAll(ctx context.Context) {
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, k := range l.keys() {
			l.verify(ctx, k)
		}
	}
}

// verifyDead verifies keys that were refused: what would be accepted again would otherwise not be seen.
func (l *load) verifyDead(ctx context.Context) {
	tick := time.NewTicker(deadEvery)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		l.mu.Lock()
		dead := l.dead[max(0, len(l.dead)-recent):]
		l.mu.Unlock()
		if len(dead) > 0 {
			l.verify(ctx, dead[i%len(dead)])
		}
	}
}

// verify verifies a key, and notes when.
func (l *load) verify(ctx context.Context, k *watched) {
	began := time.Now().UnixNano()
	_, err := l.verifier.Verify(ctx, k.text)
	switch {
	case err == nil:
		for last := k.last.Load(); began > last && !k.last.CompareAndSwap(last, began); last = k.last.Load() {
		}
		if k.accepted.Add(1) == warmAfter {
			l.out.tell(event{Kind: warm, Key: k.number})
		}
	case errors.Is(err, apikey.ErrRevoked):
		if k.refused.CompareAndSwap(0, time.Now().UnixNano()) {
			l.died(k)
		}
	case ctx.Err() == nil: // no answer, or a refusal for what is not true
		l.fail(fmt.Errorf("verify key %d: %w", k.number, err))
	}
}

func (l *load) died(k *watched) {
	l.mu.Lock()
	l.setLive(slices.DeleteFunc(slices.Clone(l.keys()), func(other *watched) bool { return other == k }))
	l.dead = append(l.dead, k)
	l.mu.Unlock()
	l.out.tell(event{Kind: refused, Key: k.number})
}

// totals are complete when nobody verifies any more.
func (l *load) totals() totals {
	stats := l.verifier.Stats()
	t := totals{
		Calls: stats.Accepted + stats.Malformed + stats.Unknown + stats.Revoked + stats.Expired + stats.Denied + stats.Overloaded + stats.Unavailable,
		Warm:  stats.Warm, Reads: stats.StoreReads, Refusals: make(map[int]refusal),
	}
	for _, k := range slices.Concat(l.dead, l.keys()) {
		t.Refusals[k.number] = refusal{k.last.Load(), k.refused.Load()}
	}
	return t
}
