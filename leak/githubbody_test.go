package leak_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// dripping gives a byte after each pause.
type dripping struct {
	rest  string
	pause time.Duration
}

func (d *dripping) Read(p []byte) (int, error) {
	time.Sleep(d.pause)
	if d.rest == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

// pipes is a listener of connections in memory, whose deadlines go by the clock of a test.
type pipes chan net.Conn

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p <- there
	return here, nil
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// A body has ten seconds to arrive, by a server's connection; the work on it begins after that, and may take longer,
// which leaves the connection for the next call.
func TestGitHubSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &faulty{Store: memstore.New()}
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		signer := newGitHubKey(t)
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
		listener := make(pipes)
		var underway context.Context
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			underway = r.Context()
			h.ServeHTTP(w, r)
		})}
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(listener) })
		dialled := 0
		transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled++
			return listener.dial(ctx, network, address)
		}}
		defer serving.Wait()
		defer server.Close()
		defer transport.CloseIdleConnections()
		_, text := keys.Create(t, apikey.CreateParams{})
		body := message(t, findsOf(text)...)
		send := func(takes time.Duration) (status int, took time.Duration) {
			r := request(t, signer, body)
			r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", "example.com"
			pause := takes / time.Duration(len(body)+1) // the last one for the end
			r.Body, r.ContentLength = io.NopCloser(&dripping{body, pause}), -1
			began := time.Now()
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
			return response.StatusCode, time.Since(began)
		}
		if status, took := send(time.Minute); status != 400 || took != 10*time.Second {
			t.Errorf("in a minute: %d after %v", status, took)
		}
		wantAlive(t, keys, text)
		store.set(nil, func(context.Context, apikey.ID) error {
			time.Sleep(24 * time.Second)
			return underway.Err() // for what is around the handler
		})
		dialled = 0
		if status, _ := send(9 * time.Second); status != 200 {
			t.Errorf("in nine seconds, with 24 of work: %d", status)
		}
		wantDead(t, keys, text)
		if status, _ := send(0); status != 200 || dialled != 1 {
			t.Errorf("the next call: %d after %d connections", status, dialled)
		}
	})
}

// Where a connection has no deadline to set, a body takes what it takes, and the work on it is not cut short by that.
func TestGitHubSlowBodyWithoutDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		signer := newGitHubKey(t)
		told := time.Duration(0)
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{OnLeak: func(ctx context.Context, _ leak.GitHubLeak) {
			end, _ := ctx.Deadline()
			told = time.Until(end)
		}})
		_, text := keys.Create(t, apikey.CreateParams{})
		body := message(t, findsOf(text)...)
		r := request(t, signer, body)
		r.Body = io.NopCloser(&dripping{body, time.Second})
		wantStatus(t, "a byte a second", serve(h, r), 200)
		wantDead(t, keys, text)
		if told != 25*time.Second {
			t.Errorf("%v are left for the work", told)
		}
	})
}

// What calls hold that have not shown yet who sends them is bounded over all of them, by what has arrived: strangers
// that send little keep nobody out, however many they are.
func TestGitHubBodiesAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what        string
		calls, sent int
		status      int
	}{
		{"many that send little", 1599, 10, 200},
		{"many that send little, and are too many", 1600, 10, 503},
		{"as many as fit", 15, 1000, 200},
		{"one more", 16, 1000, 503},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				signer := newGitHubKey(t)
				h := newEndpoint(t, apikeytest.New(t, nil), newGitHub(t, signer), leak.GitHubOptions{MaxBody: 1000})
				small := "[" + strings.Repeat(" ", 20) + "]"
				wantStatus(t, "at first", call(t, h, signer, small), 200)
				hung := make(chan struct{})
				release := sync.OnceFunc(func() { close(hung) })
				defer release()
				var calls sync.WaitGroup
				defer calls.Wait()
				for range c.calls {
					r := request(t, signer, "")
					r.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", c.sent)), waiting(hung)))
					calls.Go(func() { wantStatus(t, "a stranger", serve(h, r), 403) })
				}
				synctest.Wait()
				wantStatus(t, "meanwhile", call(t, h, signer, small), c.status)
				release()
				calls.Wait()
				for range 100 { // of every end, so that all of it is given back
					r := request(t, signer, small)
					r.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 900)), brokenOff{}))
					wantStatus(t, "cut off", serve(h, r), 400)
					r = request(t, signer, small)
					r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 1001))), -1
					wantStatus(t, "too long", serve(h, r), 413)
					wantStatus(t, "afterwards", call(t, h, signer, small+strings.Repeat(" ", 900)), 200)
				}
			})
		})
	}
}

// waiting is a body that ends when the channel is closed.
type waiting chan struct{}

func (w waiting) Read([]byte) (int, error) { <-w; return 0, io.EOF }

// No MaxBody is too large to be counted with.
func TestGitHubLargestBody(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	h := newEndpoint(t, apikeytest.New(t, nil), newGitHub(t, signer), leak.GitHubOptions{MaxBody: 1<<63 - 1})
	wantStatus(t, "a small one", call(t, h, signer, "[]"), 200)
}

// A call has 100,000 entries at most, finds or not, and is not read further than that.
func TestGitHubEntries(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	_, text := keys.Create(t, apikey.CreateParams{})
	one := strings.Trim(message(t, findsOf(text)...), "[]")
	for _, c := range []struct {
		what, body string
		status     int
	}{
		{"one more", "[" + one + strings.Repeat(",0", 100_000) + "]", http.StatusRequestEntityTooLarge},
		{"one more, and no JSON behind it", "[" + one + strings.Repeat(",0", 100_000) + "!", http.StatusRequestEntityTooLarge},
		{"no JSON before that", "[" + one + strings.Repeat(",0", 99_998) + "!", http.StatusBadRequest},
	} {
		w := call(t, h, signer, c.body)
		wantStatus(t, c.what, w, c.status)
		wantAlive(t, keys, text)
	}
	wantStatus(t, "as many as may be", call(t, h, signer, "["+one+strings.Repeat(",{}", 99_999)+"]"), 200)
	wantDead(t, keys, text)
}
