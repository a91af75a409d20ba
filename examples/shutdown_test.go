package examples_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// halfRequest sends a request to create a key, but for the last byte of its body, which finish sends.
func halfRequest(t *testing.T, p *process) (finish func() (*http.Response, error)) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	body := createBody("late")
	// The server asks for the body when it has begun to answer.
	_, err = fmt.Fprintf(c, "POST /api_keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", p.Token, len(body))
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := c.Write([]byte(body[:len(body)-1])); err != nil {
		t.Fatal(err)
	}
	return func() (*http.Response, error) {
		if _, err := c.Write([]byte(body[len(body)-1:])); err != nil {
			return nil, err
		}
		return http.ReadResponse(r, nil)
	}
}

// untilClosed waits until the server takes no more connections.
func untilClosed(t *testing.T, p *process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !refuses(ctx, strings.TrimPrefix(p.URL, "http://")) {
		select {
		case <-ctx.Done():
			t.Fatal("it still listens")
		case <-tick.C:
		}
	}
}

// refuses reports whether nobody listens at an address any more.
func refuses(ctx context.Context, address string) bool {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return ctx.Err() == nil
	}
	c.Close()
	return false
}

// A request that was begun before the signal is answered.
func lastRequest(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	finish := halfRequest(t, p)
	p.signal(t, syscall.SIGTERM)
	untilClosed(t, p)
	response, err := finish()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Errorf("status %d", response.StatusCode)
	}
	if rest, err := p.wait(); err != nil || rest != "" {
		t.Errorf("%v, printed %q\n%s", err, rest, &p.logged)
	}
}

// A client that takes too long does not keep it from ending, before a supervisor would kill it.
func slowRequest(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	key := create(t, p, "used")
	call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
	halfRequest(t, p)
	if log := p.stop(t); !strings.Contains(log, "requests were cut off") {
		t.Errorf("it waited for the request, or says nothing:\n%s", tail(log))
	}
}

// Whoever sends a header slowly, or one without end, does not keep its connection.
func slowHeader(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	for what, c := range map[string]struct{ sent, answered string }{
		"slow": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow:", ""},
		"long": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("a", 100<<10) + "\r\n\r\n", "HTTP/1.1 431 "},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, c.sent); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn) // until the server closes it
		if !strings.HasPrefix(string(answer), c.answered) || c.answered == "" && len(answer) > 0 {
			t.Errorf("%s: %q", what, answer)
		}
	}
}

// Control-C ends it as well as a supervisor does.
func interrupt(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	p.signal(t, os.Interrupt)
	if rest, err := p.wait(); err != nil || rest != "" {
		t.Errorf("%v, printed %q\n%s", err, rest, &p.logged)
	}
}

// A second signal does not wait for the requests under way.
func secondSignal(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	halfRequest(t, p)
	p.signal(t, syscall.SIGTERM)
	untilClosed(t, p)
	ended := make(chan error, 1)
	go func() {
		_, err := p.wait()
		ended <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond) // it may not be listening to signals as it did, yet
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("it ended with %v\n%s", err, &p.logged)
			}
			return
		case <-tick.C:
			p.signal(t, syscall.SIGTERM)
		}
	}
}
