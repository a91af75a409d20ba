package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// flood is texts that are presented as fast as they are refused.
type flood struct {
	began   time.Time
	ended   atomic.Bool
	group   sync.WaitGroup
	counts  []uint64
	errs    []error
	refused func(error) bool
}

// start begins to present texts of this kind, from this many goroutines.
func start(ctx context.Context, v *apikey.Verifier, k kind, texts []string, goroutines int) *flood {
	f := &flood{began: time.Now(), counts: make([]uint64, goroutines), errs: make([]error, goroutines),
		// Sentinels without more, both, so that to look at them costs nothing here.
		refused: func(err error) bool { return err == k.err }}
	if k.err == nil {
		f.refused = func(err error) bool { return err == apikey.ErrMalformed || err == apikey.ErrUnknown }
	}
	for worker := range goroutines {
		f.group.Go(func() {
			var n uint64
			for i := worker * 7919; !f.ended.Load(); i++ {
				if _, err := v.Verify(ctx, texts[i%len(texts)]); !f.refused(err) {
					f.errs[worker] = fmt.Errorf("what is forged or garbage was answered with %v", err)
					break
				}
				n++
			}
			f.counts[worker] = n
		})
	}
	return f
}

// stop ends the flood and returns how many texts it presented, in what time. If something went
// wrong, before or in it, that is the error.
func (f *flood) stop(before error) (texts uint64, took time.Duration, err error) {
	f.ended.Store(true)
	f.group.Wait()
	for _, n := range f.counts {
		texts += n
	}
	return texts, time.Since(f.began), errors.Join(append(f.errs, before)...)
}
