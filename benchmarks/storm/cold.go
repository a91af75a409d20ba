package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

const (
	defaultWait = 5 * time.Second // of a gate
	patience    = time.Minute     // of the gates here: all are to be answered, however slow the machine
)

// permits is a gate's default.
func permits() int { return max(1, runtime.GOMAXPROCS(0)-1) }

// withoutKeyring presents keys at once that each need an argon2, while warm keys are verified at
// a fixed rate; and before that, the warm ones alone.
func withoutKeyring(ctx context.Context, j job, store *boltstore.Store, o *outcome) error {
	cold, err := readTexts(j.Dir, coldTexts)
	if err != nil {
		return err
	}
	warm, err := readTexts(j.Dir, warmTexts)
	if err != nil {
		return err
	}
	gate, err := hash.NewGate(permits(), 0, patience)
	if err != nil {
		return fmt.Errorf("make a gate: %w", err)
	}
	v, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Gate: gate})
	if err != nil {
		return fmt.Errorf("make a verifier: %w", err)
	}
	for _, text := range warm { // each costs an argon2, too
		if _, err := v.Verify(ctx, text); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	before := v.Stats()

	var failed error
	traffic := func(i int) {
		if _, err := v.Verify(ctx, warm[i%len(warm)]); err != nil {
			failed = err
		}
	}
	alone, err := openloop.Load{Rate: j.Rate, For: j.Alone}.Run(ctx, traffic)
	if err != nil {
		return fmt.Errorf("send warm traffic: %w", err)
	}

	storming, over := context.WithCancel(ctx)
	defer over()
	begin, done := make(chan struct{}), make(chan error, 1)
	go func() {
		<-begin
		took, calls, err := present(len(cold), len(cold), func(i int) error {
			_, err := v.Verify(ctx, cold[i])
			return err
		})
		o.Took, o.Calls = took, calls.Summary()
		for _, d := range calls {
			if d > defaultWait {
				o.Late++
			}
		}
		over()
		done <- err
	}()
	close(begin)
	// Longer than the storm lasts, unless something is wrong: its end ends the load.
	during, err := openloop.Load{Rate: j.Rate, For: 3*j.Alone + time.Second}.Run(storming, traffic)
	if err != nil {
		return fmt.Errorf("send warm traffic into the storm: %w", err)
	}
	if err := errors.Join(<-done, failed); err != nil {
		return fmt.Errorf("verify: %w", err)
	}

	after := v.Stats()
	o.Permits, o.Before = permits(), before.Argon2Runs
	o.Argon2, o.Reads = after.Argon2Runs-before.Argon2Runs, after.StoreReads-before.StoreReads
	o.Alone, o.During = alone.Summary(), during.Summary()
	o.NotWarm = uint64(len(alone)+len(during)) - (after.Warm - before.Warm)
	return nil
}
