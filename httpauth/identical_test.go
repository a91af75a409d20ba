package httpauth_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// dateless serves without a Date, so that answers can be compared byte by byte.
func dateless(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		h.ServeHTTP(w, r)
	})
}

// raw sends a request over a connection of its own and returns every byte of the answer.
func raw(t *testing.T, address, header, value string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n%s: %s\r\n\r\n", header, value)
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// over2 sends a request over HTTP/2 and returns the answer: pseudo-header, headers, body, trailers.
func over2(t *testing.T, s *httptest.Server, header, value string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(header, value)
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.ProtoMajor != 2 {
		t.Fatalf("%v, %s", err, answer.Proto)
	}
	return fmt.Sprintf("%s\n%v\n%d\n%s\n%v", answer.Status, answer.Header, answer.ContentLength, body, answer.Trailer)
}

// From outside, nobody can tell a key that is malformed from one that is unknown, wrong, rotated
// away, expired, revoked or denied: not one byte differs, in HTTP/1.1 and in HTTP/2, in any place
// where a key may be, for the middleware and for proxies that ask.
func TestRejectionsAreIdentical(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	options := httpauth.Options{Basic: true, Realm: "test"}
	for name, h := range map[string]http.Handler{
		"Middleware": httpauth.Middleware(v, &options)(whoami),
		"Forward":    httpauth.Forward(v, &httpauth.ForwardOptions{Options: options}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := httptest.NewServer(dateless(h))
			t.Cleanup(plain.Close)
			second := httptest.NewUnstartedServer(dateless(h))
			second.EnableHTTP2 = true
			second.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
			second.StartTLS()
			t.Cleanup(second.Close)

			for source, present := range map[string]func(text string) (header, value string){
				"Bearer":    func(text string) (string, string) { return "Authorization", "Bearer " + text },
				"X-API-Key": func(text string) (string, string) { return "X-API-Key", text },
				"Basic":     func(text string) (string, string) { return "Authorization", basic("api", text) },
			} {
				for version, ask := range map[string]func(header, value string) string{
					"HTTP/1.1": func(header, value string) string { return raw(t, plain.Listener.Addr().String(), header, value) },
					"HTTP/2":   func(header, value string) string { return over2(t, second, header, value) },
				} {
					accepted := ask(present(good))
					first := ask(present(bad[0].text))
					if accepted == first || !strings.Contains(first, "401") || !strings.Contains(first, "invalid_token") {
						t.Fatalf("%s, %s: accepted\n%s\nrefused\n%s", version, source, accepted, first)
					}
					for _, b := range bad[1:] {
						if answer := ask(present(b.text)); answer != first {
							t.Errorf("%s, %s: %s differs from %s:\n%s\n\n%s", version, source, b.what, bad[0].what, answer, first)
						}
					}
				}
			}
		})
	}
}
