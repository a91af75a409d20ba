package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/live"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// whisper is how much of the machine others may have: a p99 is ruined by 1 % of a core. The kernel
// counts in 10 ms, so it can't be less.
const whisper = 0.01

// measured is what was measured, kind by kind.
type measured struct {
	rounds  [][]round // of each kind
	told    []string  // which rounds these are
	peakRSS int64
}

// round is warm traffic alone, then beside a flood.
type round struct {
	alone, during openloop.Summary
	texts         uint64 // that the flood presented
	took          time.Duration
	argon2, reads uint64  // meanwhile
	notWarm       uint64  // calls of the warm traffic that were not answered from the cache
	others        float64 // the share of the machine that other processes took
}

func measure(ctx context.Context, o options) (m measured, err error) {
	dir, err := os.MkdirTemp("", "flood")
	if err != nil {
		return m, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	store, err := boltstore.Open(filepath.Join(dir, "keys.db"), nil)
	if err != nil {
		return m, fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	// Their cost does not matter: it is paid before anything is measured.
	texts, err := live.Issue(ctx, store, o.warm, &apikey.IssuerOptions{Argon2: apikeytest.Params()})
	if err != nil {
		return m, err
	}
	v, err := apikey.NewVerifier(store, nil)
	if err != nil {
		return m, fmt.Errorf("make a verifier: %w", err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	for _, text := range texts {
		if _, err := v.Verify(ctx, text); err != nil {
			return m, fmt.Errorf("warm up: %w", err)
		}
	}

	for _, k := range kinds {
		flood := k.texts(texts, o.texts)
		turn := 0
		rounds, told, err := report.Quietest(o.rounds, whisper, func() (round, error) {
			turn++
			return o.measure(ctx, v, texts, k, flood, turn%2 == 0)
		}, func(r round) float64 { return r.others })
		if err != nil {
			return m, fmt.Errorf("%s: %w", k.name, err)
		}
		m.rounds, m.told = append(m.rounds, rounds), append(m.told, told)
	}
	m.peakRSS, err = report.PeakRSS()
	return m, err
}

// measure is one round. Neither half is always first: what drifts with time falls on both.
func (o options) measure(ctx context.Context, v *apikey.Verifier, warm []string, k kind, flood []string, floodFirst bool) (r round, err error) {
	var failed error
	load := openloop.Load{Rate: o.rate, For: o.round}
	traffic := func(i int) {
		if _, err := v.Verify(ctx, warm[i%len(warm)]); err != nil {
			failed = err
		}
	}
	others, before := report.WatchOthers(), v.Stats()
	var alone, during openloop.Latencies
	steps := []func() error{func() (err error) {
		alone, err = load.Run(ctx, traffic)
		return err
	}, func() (err error) {
		f := start(ctx, v, k, flood, o.flooders)
		during, err = load.Run(ctx, traffic)
		r.texts, r.took, failed = f.stop(failed)
		return err
	}}
	if floodFirst {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := errors.Join(step(), failed, ctx.Err()); err != nil {
			return r, fmt.Errorf("verify: %w", err)
		}
	}
	after := v.Stats()
	r.others = others.Share()
	r.alone, r.during = alone.Summary(), during.Summary()
	r.argon2, r.reads = after.Argon2Runs-before.Argon2Runs, after.StoreReads-before.StoreReads
	r.notWarm = uint64(len(alone)+len(during)) - (after.Warm - before.Warm)
	return r, nil
}
