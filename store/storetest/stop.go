package storetest

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

func everyWatcherIsTold(t testing.TB, s apikey.Store) {
	ctx := t.Context()
	a, b, c := watch(t, s), new(told), watch(t, s)
	stop := watcher(t, s).Watch(b.tell)
	r := mustCreate(t, s, record(1))
	for _, w := range []*told{a, b, c} {
		wantTold(t, w, "Replace, with three watchers,", r.ID, func() error { return s.Replace(ctx, r) }, nil)
		r.Version++
	}
	stop()
	before := b.count(r.ID)
	for _, w := range []*told{a, c} {
		wantTold(t, w, "Replace, after another watcher stopped,", r.ID, func() error { return s.Replace(ctx, r) }, nil)
		r.Version++
	}
	if b.count(r.ID) != before {
		t.Errorf("a watcher was told of a change after its stop returned")
	}
	stop() // once more does no harm
	wantTold(t, a, "Replace, after another watcher stopped twice,", r.ID, func() error { return s.Replace(ctx, r) }, nil)

	// One function twice is two watchers.
	d := new(told)
	stop1, stop2 := watcher(t, s).Watch(d.tell), watcher(t, s).Watch(d.tell)
	stop1()
	stop1()
	r = mustGet(t, s, r.ID)
	wantTold(t, d, "Replace, after one of two watchers with one function stopped,", r.ID, func() error { return s.Replace(ctx, r) }, nil)
	stop2()
}

// stopStops: f is not running when stop returns, and is not called again, while others write.
func stopStops(t testing.TB, s apikey.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := mustCreate(t, s, record(1))
	r.Version = 0 // never writes, always tells
	var writers sync.WaitGroup
	writing := make(chan struct{}, 2)
	for range cap(writing) {
		writers.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				_ = s.Replace(t.Context(), r)
				if first {
					writing <- struct{}{}
				}
				runtime.Gosched()
			}
		})
	}
	for range cap(writing) {
		<-writing
	}
	for range 100 {
		var stopped atomic.Bool
		stop := watcher(t, s).Watch(func(apikey.Change) {
			runtime.Gosched() // let a stop that does not wait return
			if stopped.Load() {
				t.Errorf("a watcher was called after its stop returned; else it touches what its owner has let go")
			}
		})
		_ = s.Replace(ctx, r)
		stop()
		stopped.Store(true)
	}
	cancel()
	writers.Wait()
}
