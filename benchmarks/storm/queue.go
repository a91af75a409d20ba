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

// shortQueue presents keys to a gate in which only few may wait: all at once to one that is idle, and
// then, to another, as many as fill it and after them the rest.
func shortQueue(ctx context.Context, j job, store *boltstore.Store, o *outcome) error {
	cold, err := readTexts(j.Dir, coldTexts)
	if err != nil {
		return err
	}
	for _, presentTo := range []func(context.Context, *apikey.Verifier, *hash.Gate, []string, *outcome) error{crowd,
		func(ctx context.Context, v *apikey.Verifier, gate *hash.Gate, cold []string, o *outcome) error {
			return onTop(ctx, v, gate, cold, j.Queue, permits()+j.Queue, o)
		}} {
		gate, err := hash.NewGate(permits(), j.Queue, patience)
		if err != nil {
			return fmt.Errorf("make a gate: %w", err)
		}
		v, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Gate: gate})
		if err != nil {
			return fmt.Errorf("make a verifier: %w", err)
		}
		if err := presentTo(ctx, v, gate, cold, o); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
	}
	o.Permits = permits()
	return nil
}

// crowd presents all at once, and tells apart those who were refused: because the queue was
// full, since nobody's wait is over that soon.
func crowd(ctx context.Context, v *apikey.Verifier, gate *hash.Gate, cold []string, o *outcome) error {
	refused := make([]time.Time, len(cold))
	start := time.Now()
	took, calls, err := present(len(cold), len(cold), func(i int) error {
		_, err := v.Verify(ctx, cold[i])
		if errors.Is(err, apikey.ErrOverloaded) {
			refused[i] = time.Now()
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	var accepted, overloaded openloop.Latencies
	for i, d := range calls {
		if refused[i].IsZero() {
			accepted = append(accepted, d)
			continue
		}
		overloaded = append(overloaded, d)
		o.Last = max(o.Last, refused[i].Sub(start))
	}
	stats := v.Stats()
	o.Took, o.Calls, o.Refused = took, accepted.Summary(), overloaded.Summary()
	o.Argon2, o.Reads = stats.Argon2Runs, stats.StoreReads
	if n := gate.Stats().Refused; n != uint64(len(overloaded)) {
		return fmt.Errorf("the gate refused %d, the callers heard of %d", n, len(overloaded))
	}
	return nil
}

// onTop presents as many as fill permits and queue, waits until they have, and then presents the
// rest, from two goroutines: should a place become free meanwhile, one of them gets it and waits
// for an argon2, and the other goes on.
func onTop(ctx context.Context, v *apikey.Verifier, gate *hash.Gate, cold []string, queue, fill int, o *outcome) error {
	if len(cold) < fill {
		return fmt.Errorf("%d keys do not fill a gate that takes %d", len(cold), fill)
	}
	filling := make(chan error, 1)
	go func() {
		_, _, err := present(fill, fill, func(i int) error {
			_, err := v.Verify(ctx, cold[i])
			return err
		})
		filling <- err
	}()
	for gate.Stats().Queued < queue && len(filling) == 0 { // with cheap hashes it may never be full
		runtime.Gosched()
	}
	rest := cold[fill:]
	refused := make([]bool, len(rest))
	_, calls, err := present(len(rest), 2, func(i int) error {
		_, err := v.Verify(ctx, rest[i])
		if refused[i] = errors.Is(err, apikey.ErrOverloaded); refused[i] {
			return nil
		}
		return err
	})
	var overloaded openloop.Latencies
	for i, d := range calls {
		if refused[i] {
			overloaded = append(overloaded, d)
		}
	}
	o.OnTop = overloaded.Summary()
	return errors.Join(err, <-filling)
}
