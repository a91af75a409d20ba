package pgstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// pair is two servers, of which one is connected to, as behind a name that is moved from one to the other.
type pair struct {
	port atomic.Int64
	pool *pgxpool.Pool
}

func newPair(t testing.TB, first *pgtest.Server) *pair {
	t.Helper()
	p := new(pair)
	p.move(t, first)
	config, err := pgxpool.ParseConfig(first.DSN())
	if err != nil {
		t.Fatal(err)
	}
	config.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		c.Port = uint16(p.port.Load())
		return nil
	}
	if p.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.pool.Close)
	return p
}

func (p *pair) move(t testing.TB, to *pgtest.Server) {
	t.Helper()
	config, err := pgx.ParseConfig(to.DSN())
	if err != nil {
		t.Fatal(err)
	}
	p.port.Store(int64(config.Port))
}

func (p *pair) open(t testing.TB, o pgstore.Options) *pgstore.Store {
	t.Helper()
	o.Migrate = true
	s, err := pgstore.New(t.Context(), p.pool, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The primary is lost, and with it the last that it has acknowledged: its standby had not got that yet. What was read there and is
// unknown here must not be trusted any longer; and nothing that the standby says counts before it is the primary.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewServer(t)
	issuingAt, verifyingAt := newPair(t, primary), newPair(t, primary)
	issuing, verifying := issuingAt.open(t, pgstore.Options{}), verifyingAt.open(t, pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 20)
	told := watch(t, verifying)
	dead := tr.mustRevoke(t)
	standby := primary.Standby(t)
	standby.CatchUp(t)
	standby.Stop(t)

	never := tr.cold(t) // there will be no such key
	if _, err := tr.patient.Verify(t.Context(), never.text); err != nil {
		t.Fatal(err)
	}
	primary.Stop(t)
	standby.Start(t)
	issuingAt.move(t, standby)
	verifyingAt.move(t, standby)
	told.forget()
	tr.pastBound(t)
	for _, k := range tr.keys {
		wantUnavailable(t, "while only a standby answers", tr.ask(t.Context(), k))
	}
	if _, err := verifying.Get(t.Context(), apikey.ID{1}); !errors.Is(err, pgstore.ErrStandby) {
		t.Errorf("a standby's answer: %v, want ErrStandby", err)
	}
	if all := told.sofar(); anyFresh(all) {
		t.Errorf("a standby vouches for what it can't know: %v", all)
	}
	standby.Promote(t)
	told.newer(t)
	if !anyGap(told.sofar()) {
		t.Error("no Gap after a failover, else records that never were are trusted for good")
	}
	waitFor(t, "a key that was lost is unknown", func() bool {
		_, err := tr.patient.Verify(t.Context(), never.text)
		return errors.Is(err, apikey.ErrUnknown)
	})
	t.Logf("warm again after %v", tr.settle(t))
	tr.refused(t, dead)
	tr.refused(t, tr.mustRevoke(t))
}
