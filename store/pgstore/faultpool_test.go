package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// All connections of the pool are taken, by the program itself or by whoever shares the pool with it. Revocations are seen all
// the same, since the feed has its own, and what is warm is accepted.
func TestPoolIsUsedUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	config, err := pgxpool.ParseConfig(p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	issuing := p.open(pgstore.Options{})
	verifying, err := pgstore.New(t.Context(), pool, &pgstore.Options{Schema: p.schema, Poll: faultPoll})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { verifying.Close() })
	tr := newTraffic(t, issuing, verifying, 10)
	cold := tr.cold(t)
	var free []func()
	for range config.MaxConns {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tx, err := c.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		free = append(free, sync.OnceFunc(func() { tx.Rollback(context.Background()); c.Release() }))
		t.Cleanup(free[len(free)-1])
	}
	told := watch(t, verifying)
	for range 5 {
		told.forget()
		k := tr.mustRevoke(t)
		told.until(t, "a revocation, though no connection is free", func(all []apikey.Change) bool { return len(idsOf(all)) > 0 })
		if _, err := tr.patient.Verify(t.Context(), tr.keys[0].text); err != nil {
			t.Errorf("a warm key: %v", err)
		}
		// It can't be read any more, so nobody knows that it was revoked, but only that it was changed.
		if err := tr.ask(t.Context(), k); err == nil {
			t.Error("a key was accepted that was told as changed")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), faultPoll)
	defer cancel()
	_, err = tr.patient.Verify(ctx, cold.text)
	wantUnavailable(t, "a cold key", err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cold key: %v, want the end of its context as the cause", err)
	}
	for _, f := range free {
		f()
	}
	t.Logf("warm again after %v", tr.settle(t))
	if anyGap(told.sofar()) {
		t.Error("a Gap, and nothing was lost")
	}
}
