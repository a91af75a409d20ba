package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

const (
	// window is how many keys are live, but at the end: so many that each is long warm when its turn comes.
	window = 32
	// patience is how long after the bound the last refusals may be told.
	patience = 10 * time.Second
)

// revoking issues keys and revokes them, the oldest first.
type revoking struct {
	issuer           *apikey.Issuer
	verifiers        *verifiers
	pause, staleness time.Duration
	wait             bool // for the refusals of a key before the next is revoked
	keys             []*issued
}

// issued is a key.
type issued struct {
	id             string
	asked, revoked time.Time // when Revoke was called, and when it had returned
}

// run returns the keys when all are revoked, and the verifiers have finished.
func (r *revoking) run(ctx context.Context, revocations int) ([]*issued, error) {
	tick := time.NewTicker(r.pause)
	defer tick.Stop()
	for n := range revocations {
		for len(r.keys) < min(n+window, revocations) {
			if err := r.create(ctx); err != nil {
				return nil, err
			}
		}
		if err := r.verifiers.until(ctx, r.everywhere(func(t *tally) int { return t.warm[n] })); err != nil {
			return nil, fmt.Errorf("wait until key %d is warm: %w", n, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if err := r.revoke(ctx, r.keys[n]); err != nil {
			return nil, err
		}
		if r.wait {
			if err := r.refused(ctx, n, n+1); err != nil {
				return nil, err
			}
		}
	}
	return r.keys, r.finish(ctx)
}

// everywhere returns the condition that a count is that of all verifiers.
func (r *revoking) everywhere(count func(*tally) int) func(*tally) bool {
	return func(t *tally) bool { return count(t) == len(r.verifiers.processes) }
}

// create makes a key, and hands it to the verifiers.
func (r *revoking) create(ctx context.Context) error {
	number := len(r.keys)
	key, secret, err := r.issuer.Create(ctx, apikey.CreateParams{Subject: "cluster", Name: fmt.Sprintf("key %d", number)})
	if err != nil {
		return err
	}
	r.keys = append(r.keys, &issued{id: key.ID()})
	return r.verifiers.tell(ctx, order{Key: number, Text: secret.Reveal()})
}

func (r *revoking) revoke(ctx context.Context, key *issued) error {
	key.asked = time.Now()
	_, err := r.issuer.Revoke(ctx, key.id, apikey.RevokeParams{Reason: "measured"})
	key.revoked = time.Now()
	return err
}

// refused waits until all verifiers have refused the keys from one number to before another.
func (r *revoking) refused(ctx context.Context, from, to int) error {
	inTime, cancel := context.WithTimeoutCause(ctx, r.staleness+patience, errors.New("a verifier goes on accepting a revoked key"))
	defer cancel()
	for n := from; n < to; n++ {
		if err := r.verifiers.until(inTime, r.everywhere(func(t *tally) int { return t.refused[n] })); err != nil {
			return fmt.Errorf("wait until key %d is refused: %w", n, err)
		}
	}
	return nil
}

// finish waits for all refusals, and then for as long as a key might be accepted again that should not be.
func (r *revoking) finish(ctx context.Context) error {
	if err := r.refused(ctx, 0, len(r.keys)); err != nil {
		return err
	}
	select {
	case <-time.After(r.staleness):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := r.verifiers.tell(ctx, order{Finish: true}); err != nil {
		return err
	}
	return r.verifiers.until(ctx, r.everywhere(func(t *tally) int { return len(t.totals) }))
}
