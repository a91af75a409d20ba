package modeltest_test

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// slowLine hears late of what others change: when an answer arrives, it is nearly as old as the bound allows, and
// something else was changed since. That is where it shows whether a store says of its news how old it was when it was read.
func slowLine(t *testing.T, dsn string, options *pgstore.Options) apikey.Store {
	options.NoListen = true // as in cutOff
	return openStore(t, dsn, options, func(to *pgx.ConnConfig) {
		dial := to.DialFunc
		to.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			return slowConn{c}, err
		}
	})
}

type slowConn struct{ net.Conn }

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		<-time.After(shortBound/2 + rand.N(shortBound/3))
	}
	return n, err
}
