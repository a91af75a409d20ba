package pgtest

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy stands between a server and those who connect to its DSN. Its methods may be called at any time.
type Proxy struct {
	dsn              string
	network, address string // of the server
	listener         net.Listener

	swallow, refuse, noListen atomic.Bool

	mu    sync.Mutex
	links map[*link]struct{} // nil when it has ended
	wg    sync.WaitGroup
}

// NewProxy starts a proxy before the server of a DSN, which may be a URL or pairs of keywords and values, and name a
// unix socket. The server need not run yet. The proxy ends with the test.
func NewProxy(t testing.TB, dsn string) *Proxy {
	t.Helper()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{links: make(map[*link]struct{})}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	if p.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.wg.Go(p.accept)
	t.Cleanup(p.end)
	if p.dsn, err = redirect(dsn, p.listener.Addr().(*net.TCPAddr).Port); err != nil {
		t.Fatal(err)
	}
	return p
}

// DSN tells how to connect to the server through the proxy, without TLS.
func (p *Proxy) DSN() string { return p.dsn }

// Swallow makes all connections, also new ones, black holes: they stay open, and whatever either side sends is lost,
// even that it closes its end. A connection that has lost something is a black hole for ever, as behind a NAT that
// has forgotten it; the others work again after Swallow(false). What was under way before may still arrive.
func (p *Proxy) Swallow(on bool) { p.swallow.Store(on) }

// Refuse closes new connections at once.
func (p *Proxy) Refuse(on bool) { p.refuse.Store(on) }

// NoListen makes the server one that has no LISTEN, UNLISTEN, NOTIFY and pg_notify: it answers with the errors of a
// syntax that it does not know, and of a function that does not exist. What was prepared before still works.
func (p *Proxy) NoListen() { p.noListen.Store(true) }

// Cut closes all connections on both sides, black holes too. New ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		if p.refuse.Load() {
			client.Close()
			continue
		}
		l := &link{proxy: p, client: client}
		if !p.add(l) {
			client.Close()
			return
		}
		p.wg.Go(func() {
			l.run()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.links, l)
		})
	}
}

func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links == nil {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) end() {
	p.listener.Close()
	p.Cut()
	p.mu.Lock()
	p.links = nil
	p.mu.Unlock()
	p.wg.Wait()
}
