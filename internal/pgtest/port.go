package pgtest

import (
	"crypto/rand"
	"math/big"
	"net"
	"strconv"
	"testing"
)

// freePort returns a port where nobody listens. It is none of those that a client's end of a connection is given:
// while a server is stopped, one of them could get its port, and even be connected to itself.
func freePort(t testing.TB) int {
	t.Helper()
	const lowest, highest = 15000, 32000
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(highest-lowest))
		if err != nil {
			t.Fatal(err)
		}
		port := lowest + int(n.Int64())
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port is free")
	return 0
}
