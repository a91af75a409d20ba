package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"

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
	err = o.beside(ctx, j, len(cold), func(i int) {
		if _, err := v.Verify(ctx, warm[i%len(warm)]); err != nil {
			failed = err
		}
	}, func(i int) error {
		_, err := v.Verify(ctx, cold[i])
		return err
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("verify: %w", err)
	}

	after := v.Stats()
	o.Permits, o.Before = permits(), before.Argon2Runs
	o.Argon2, o.Reads = after.Argon2Runs-before.Argon2Runs, after.StoreReads-before.StoreReads
	o.NotWarm = uint64(o.Alone.Count+o.During.Count) - (after.Warm - before.Warm)
	return nil
}

// floor is the same with nothing but what can't be avoided: a digest of the text for a warm key, and for a
// cold one argon2 as its library does it, as many at a time as there are permits.
func floor(ctx context.Context, j job, _ *boltstore.Store, o *outcome) error {
	cold, err := readTexts(j.Dir, coldTexts)
	if err != nil {
		return err
	}
	warm, err := readTexts(j.Dir, warmTexts)
	if err != nil {
		return err
	}
	salt, free := make([]byte, 16), make(chan struct{}, permits())
	var sum [sha256.Size]byte
	err = o.beside(ctx, j, len(cold), func(i int) {
		sum = sha256.Sum256([]byte(warm[i%len(warm)]))
	}, func(i int) error {
		free <- struct{}{}
		argon2.IDKey([]byte(cold[i]), salt, j.Cost.Time, j.Cost.Memory, j.Cost.Threads, 32)
		<-free
		return nil
	})
	runtime.KeepAlive(sum)
	o.Permits = permits()
	return err
}

// beside sends warm traffic, first alone and then while n cold calls are made at once.
func (o *outcome) beside(ctx context.Context, j job, n int, warm func(int), cold func(int) error) error {
	alone, err := openloop.Load{Rate: j.Rate, For: j.Alone}.Run(ctx, warm)
	if err != nil {
		return fmt.Errorf("send warm traffic: %w", err)
	}
	storming, over := context.WithCancel(ctx)
	defer over()
	done := make(chan error, 1)
	go func() {
		took, calls, err := present(n, n, cold)
		o.Took, o.Calls = took, calls.Summary()
		for _, d := range calls {
			if d > defaultWait {
				o.Late++
			}
		}
		over()
		done <- err
	}()
	// Longer than the storm lasts, unless something is wrong: its end ends the load.
	during, err := openloop.Load{Rate: j.Rate, For: 3*j.Alone + time.Second}.Run(storming, warm)
	if err != nil {
		return fmt.Errorf("send warm traffic into the storm: %w", err)
	}
	o.Alone, o.During = alone.Summary(), during.Summary()
	return <-done
}
