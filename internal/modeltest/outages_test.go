package modeltest_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// cutOff can read and write its keys at all times, but what others change only now and then: the connection for that
// leads through a proxy, which refuses it or loses what it says, for longer than the bound or for less.
func cutOff(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	t.Helper()
	proxy := pgtest.NewProxy(t, dsn)
	through, err := pgx.ParseConfig(proxy.DSN())
	if err != nil {
		t.Fatal(err)
	}
	// The pool may lose no connection, and a hint that takes too long costs one.
	options.NoListen = true
	s := openStore(t, dsn, options, func(to *pgx.ConnConfig) {
		to.Host, to.Port, to.TLSConfig, to.Fallbacks = through.Host, through.Port, nil, nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for spell(ctx, 10*shortBound) {
			if rand.N(2) == 0 {
				proxy.Refuse(true)
				proxy.Cut()
			} else {
				proxy.Swallow(true)
			}
			spell(ctx, 3*shortBound)
			proxy.Refuse(false)
			proxy.Swallow(false)
			proxy.Cut() // what has lost something stays silent
		}
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return s
}

// spell lets some of the time pass in which histories go on; false: ctx has ended.
func spell(ctx context.Context, most time.Duration) bool {
	end := time.NewTimer(rand.N(most))
	defer end.Stop()
	select {
	case <-end.C:
		return true
	case <-ctx.Done():
		return false
	}
}
