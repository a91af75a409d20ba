package pgstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// The server crashes, or is stopped by its operators, and comes back. Meanwhile nothing that is not in memory can be verified,
// and what is can for no longer than MaxStaleness.
func TestServerStops(t *testing.T) {
	t.Parallel()
	server := pgtest.NewServer(t)
	p := &place{t, server.DSN(), "apikey_stops"}
	issuing, verifying := p.open(pgstore.Options{}), p.open(pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 20)
	for name, stop := range map[string]func(testing.TB){"at once": server.Stop, "fast": server.StopFast} {
		cold := tr.cold(t)
		dies := tr.mustRevoke(t)
		stop(t)
		down := time.Now()
		if _, err := tr.patient.Verify(t.Context(), tr.keys[0].text); err != nil {
			t.Errorf("%s: a warm key, within MaxStaleness: %v", name, err)
		}
		wantUnavailable(t, name+": a cold key", tr.ask(t.Context(), cold))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := tr.revoke(ctx); err == nil {
			t.Errorf("%s: Revoke reports success, and there is no server", name)
		}
		tr.pastBound(t)
		for _, k := range tr.keys {
			wantUnavailable(t, name+": after MaxStaleness", tr.ask(t.Context(), k))
		}
		server.Start(t)
		t.Logf("%s: down for %v, warm again after %v", name, time.Since(down), tr.settle(t))
		tr.refused(t, dies)
		tr.refused(t, tr.mustRevoke(t))
	}
}
