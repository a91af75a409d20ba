package pgtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is a connection through a proxy.
type link struct {
	proxy  *Proxy
	client net.Conn
	hole   atomic.Bool // it has lost something

	mu     sync.Mutex
	server net.Conn // nil until it is connected
	closed bool
}

// run carries what the two sides say until both have ended.
func (l *link) run() {
	defer l.close()
	server, err := net.DialTimeout(l.proxy.network, l.proxy.address, 10*time.Second)
	switch {
	case err != nil && l.proxy.swallow.Load():
		// Nor does a black hole tell that there is no server.
		_, _ = io.Copy(io.Discard, gate{l, l.client})
		return
	case err != nil || !l.connected(server):
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		l.ended(server, forward(server, gate{l, l.client}, l.client, &l.proxy.noListen))
	})
	wg.Go(func() {
		_, err := io.Copy(l.client, gate{l, server})
		l.ended(l.client, err)
	})
	wg.Wait()
}

// ended tells the other side, to, that one has ended. What was sent to it before has to arrive, so it is not closed.
func (l *link) ended(to net.Conn, err error) {
	if l.hole.Load() {
		return
	}
	if half, can := to.(interface{ CloseWrite() error }); can && err == nil {
		err = half.CloseWrite()
	}
	if err != nil {
		l.close()
	}
}

// connected reports whether the link is still open.
func (l *link) connected(server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		server.Close()
		return false
	}
	l.server = server
	return true
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.client.Close()
	if l.server != nil {
		l.server.Close()
	}
}

// gate reads what one side sends, unless it is lost.
type gate struct {
	link *link
	conn net.Conn
}

var errLost = errors.New("pgtest: the connection is a black hole")

func (g gate) Read(b []byte) (int, error) {
	for {
		n, err := g.conn.Read(b)
		if g.link.proxy.swallow.Load() {
			g.link.hole.Store(true)
		}
		if !g.link.hole.Load() {
			return n, err
		}
		if err != nil {
			return 0, errLost
		}
	}
}
