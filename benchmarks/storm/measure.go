package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// How much of the machine others may have. A p99 is ruined by 1 % of a core. The storms with a keyring are shorter
// than what the kernel counts in is good for, and are compared as a whole.
const (
	noise   = 0.05
	whisper = 0.01
)

// measured is what the children measured, a round each.
type measured struct {
	keyring      []compared
	cold, floor  []outcome
	queue, reads []outcome // reads: those of the queue alone

	toldKeyring, toldCold, toldFloor string // which rounds these are
}

// compared is a storm and the reads alone, one right after the other.
type compared struct{ reads, storm outcome }

func (c compared) others() float64 { return max(c.reads.Others, c.storm.Others) }

func measure(ctx context.Context, o options) (m measured, err error) {
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		return m, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	if err := m.measureKeyring(ctx, filepath.Join(dir, "keyring"), o); err != nil {
		return m, err
	}
	return m, m.measureCold(ctx, filepath.Join(dir, "cold"), o)
}

func (m *measured) measureKeyring(ctx context.Context, dir string, o options) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	ring, err := apikey.NewKeyring(secret)
	if err != nil {
		return fmt.Errorf("make a keyring: %w", err)
	}
	// What the hashes cost does not matter: none is to be computed again.
	opts := &apikey.IssuerOptions{Argon2: apikeytest.Params(), Keyring: ring}
	if err := issue(ctx, dir, allTexts, o.keys, opts); err != nil {
		return err
	}
	round := 0
	m.keyring, m.toldKeyring, err = report.Quietest(o.rounds, noise, func() (c compared, err error) {
		round++
		reads := func() (err error) {
			c.reads, err = restart(ctx, job{Kind: "reads", Dir: dir, Texts: allTexts, Goroutines: o.goroutines})
			return err
		}
		storm := func() (err error) {
			ring := base64.StdEncoding.EncodeToString(secret)
			c.storm, err = restart(ctx, job{Kind: "keyring", Dir: dir, Goroutines: o.goroutines, Keyring: ring})
			return err
		}
		// Neither is always first: what drifts with time falls on both.
		first, second := reads, storm
		if round%2 == 0 {
			first, second = storm, reads
		}
		if err := first(); err != nil {
			return c, err
		}
		return c, second()
	}, compared.others)
	return err
}

func (m *measured) measureCold(ctx context.Context, dir string, o options) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	// Warm keys cost argon2 only before anything is measured, so their hashes are cheap.
	if err := issue(ctx, dir, warmTexts, o.warm, &apikey.IssuerOptions{Argon2: apikeytest.Params()}); err != nil {
		return err
	}
	gate, err := hash.NewGate(0, 0, patience)
	if err != nil {
		return fmt.Errorf("make a gate: %w", err)
	}
	begin := time.Now()
	if err := issue(ctx, dir, coldTexts, o.cold, &apikey.IssuerOptions{Argon2: o.cost(), Gate: gate}); err != nil {
		return err
	}
	// A storm runs as many argon2 behind as many permits, so it takes about that long, too.
	alone := max(time.Since(begin), 100*time.Millisecond)
	quietest := func(kind string) ([]outcome, string, error) {
		return report.Quietest(o.coldRounds, whisper, func() (outcome, error) {
			return restart(ctx, job{Kind: kind, Dir: dir, Rate: o.rate, Alone: alone, Cost: o.cost()})
		}, func(o outcome) float64 { return o.Others })
	}
	if m.cold, m.toldCold, err = quietest("cold"); err != nil {
		return err
	}
	if m.floor, m.toldFloor, err = quietest("floor"); err != nil {
		return err
	}
	for range o.coldRounds {
		done, err := restart(ctx, job{Kind: "queue", Dir: dir, Queue: o.queue})
		if err != nil {
			return err
		}
		m.queue = append(m.queue, done)
		if done, err = restart(ctx, job{Kind: "reads", Dir: dir, Texts: coldTexts, Goroutines: o.cold}); err != nil {
			return err
		}
		m.reads = append(m.reads, done)
	}
	return nil
}
