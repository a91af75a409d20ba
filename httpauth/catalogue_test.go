package httpauth_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Tests named after a CVE, or after the row of docs/security-cases.md, put the attack of that row to this package.

// counting is a store that counts reads of records.
type counting struct {
	*memstore.Store
	gets atomic.Int64
}

func (c *counting) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	c.gets.Add(1)
	return c.Store.Get(ctx, id)
}

// CVE-2025-54999, CVE-2025-6011, CVE-2023-3462: a login took longer, or said more, where the user was there. Here a forged key
// gets the same bytes whether its id is warm, known or nobody's, and none of them has the store read.
func TestCVE_2025_54999_NobodyIsEnumerated(t *testing.T) {
	t.Parallel()
	store := &counting{Store: memstore.New()}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	h := httpauth.Middleware(keys.Verifier, nil)(whoami)
	_, warm := keys.Create(t, apikey.CreateParams{})
	_, known := keys.Create(t, apikey.CreateParams{})
	_, foreign := apikeytest.New(t, nil).Create(t, apikey.CreateParams{})
	if w := serve(h, request(t, "X-API-Key", warm)); w.Code != 200 {
		t.Fatal(w.Code)
	}
	gets, before := store.gets.Load(), keys.Verifier.Stats()
	var first string
	for what, id := range map[string]string{"warm": warm[:25], "known": known[:25], "nobody's": foreign[:25]} {
		w := serve(h, request(t, "X-API-Key", withChecksum(id+foreign[25:69])))
		answer := fmt.Sprint(w.Code, w.Header(), w.Body)
		if first == "" {
			first = answer
		}
		if w.Code != 401 || answer != first {
			t.Errorf("%s: %s\nanother: %s", what, answer, first)
		}
	}
	if after := keys.Verifier.Stats(); store.gets.Load() != gets || after.Argon2Runs != before.Argon2Runs || after.Unknown != before.Unknown+3 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// CVE-2023-37918, CVE-2026-33186, CVE-2026-40912: a path that was written in another way went past the check. Here what is
// wrapped is never called without a credential, whatever the request line, nor does a route that has no check open by one.
func TestCVE_2023_37918_NoPathSkipsTheCheck(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.Handle("/public/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("public")) }))
	mux.Handle("/", httpauth.Middleware(v, nil)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.Write([]byte("private"))
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, target := range []string{
		"/", "//", "///", "/private", "//private", "/./private", "/public/../private", "/public/..%2fprivate", "/public/%2e%2e/private", "/public%2f..%2fprivate", "/PUBLIC/x",
		"/public", "public/x", "private", "*", "http://other.example/private", "http://other.example//private", "/%70rivate", "/private%00", "/private;x", "/private?/public/", "/private#/public/", "\\private", "/\\public/x",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "OPTIONS", "TRACE", "CONNECT", "PRI", "get"} {
			answer := ask(t, server.Listener.Addr().String(), fmt.Sprintf("%s %s HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", method, target))
			if strings.Contains(answer, "private") && strings.Contains(answer, " 200 ") {
				t.Errorf("%s %s: %s", method, target, answer)
			}
		}
	}
	if n := served.Load(); n != 0 {
		t.Errorf("the handler was called %d times", n)
	}
	answer := ask(t, server.Listener.Addr().String(), "GET /private HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\nX-API-Key: "+good+"\r\n\r\n")
	if served.Load() != 1 || !strings.Contains(answer, "private") {
		t.Errorf("control: %s", answer)
	}
}

// ask sends a request as it is and returns the answer.
func ask(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	answer, _ := io.ReadAll(bufio.NewReader(conn)) // the server may close the connection on what is no HTTP
	return string(answer)
}

// CVE-2026-33433, CVE-2026-54763, CVE-2026-39858, CVE-2026-20896: who wrote the header that says whose request it is, or one
// that is read as the same, was that. Here the identity is in the context, under a key that nobody else can make, and
// Forward says whose the key is, whatever the client says.
func TestCVE_2026_33433_IdentityIsOfTheKey(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	spoofed := []string{"X-Apikey-Id", "ak_00000000000000000000000000000000", "X-Apikey-Subject", "admin", "X-Apikey-Scopes", "admin", "X_Apikey_Subject", "admin", "X-Forwarded-User", "admin", "Remote-User", "admin",
		"Forwarded", "for=127.0.0.1", "X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1"}
	for name, h := range map[string]http.Handler{
		"Middleware": httpauth.Middleware(v, nil)(whoami), "Anonymous": httpauth.Middleware(v, &httpauth.Options{Anonymous: true})(whoami),
		"Forward": httpauth.Forward(v, nil), "Forward, Anonymous": httpauth.Forward(v, &httpauth.ForwardOptions{Options: httpauth.Options{Anonymous: true}}),
	} {
		r := request(t, spoofed...)
		for _, key := range []any{"apikey", "key", "user", struct{}{}} {
			r = r.WithContext(context.WithValue(r.Context(), key, apikey.NewKey(&apikey.Record{Subject: "admin"})))
		}
		w := serve(h, r)
		if strings.Contains(fmt.Sprint(w.Header(), w.Body), "admin") || (w.Code < 300) != strings.HasSuffix(name, "Anonymous") {
			t.Errorf("%s, without a credential: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		w = serve(h, request(t, append(spoofed, "X-API-Key", good)...))
		if said := fmt.Sprint(w.Header(), w.Body); w.Code >= 300 || strings.Contains(said, "admin") || !strings.Contains(said, "user_good") {
			t.Errorf("%s: %d %s", name, w.Code, said)
		}
	}
}
