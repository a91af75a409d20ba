// Package caddy_test runs the configuration of Caddy that the doc of httpauth.Forward shows, on a version of Caddy
// that leaves what clients send in the place of what the answer has not (GHSA-7r4p-vjf4-gxv4).
package caddy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// install is how the tests get their Caddy. .ci/run does it.
const install = "go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.10.2"

// documented returns the route in the doc of httpauth.Forward.
func documented(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "httpauth", "forward.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(source), "//\troute {\n")
	code, _, closed := strings.Cut(code, "//\t}\n")
	if !found || !closed {
		t.Fatal("the doc of Forward shows no route")
	}
	return "route {\n" + strings.ReplaceAll(code, "//\t", "") + "}\n"
}

// start runs Caddy with the route, for a server that answers /auth, and an upstream, both as host:port.
func start(t *testing.T, auth, upstream string) (url string) {
	t.Helper()
	caddy, err := exec.LookPath("caddy")
	switch {
	case err == nil:
	case os.Getenv("APIKEY_REQUIRE_CADDY") == "1":
		t.Fatalf("no caddy: %s", install)
	default:
		t.Skipf("SKIPPED: no caddy: %s; APIKEY_REQUIRE_CADDY=1 makes this a failure", install)
	}
	folder := t.TempDir()
	address := serverproc.FreeAddress(t)
	route := strings.NewReplacer("127.0.0.1:8080", auth, "upstream:9000", upstream).Replace(documented(t))
	conf := filepath.Join(folder, "Caddyfile")
	text := "{\n\tadmin off\n\tauto_https off\n}\nhttp://" + address + " {\n\tbind 127.0.0.1\n\t" + route + "}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", folder) // where it would keep certificates
	url = "http://" + address
	ready := func(ctx context.Context) bool {
		r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusUnauthorized // as for every path
	}
	serverproc.StartOther(t, ready, caddy, "run", "--adapter", "caddyfile", "--config", conf)
	return url
}

// Whatever clients say of themselves, the upstream is told what Forward has answered, and neither more nor less.
func TestDocumented(t *testing.T) {
	keys := apikeytest.New(t, nil)
	reader, readerText := keys.Create(t, apikey.CreateParams{Subject: "user_1", Scopes: []string{"read"}})
	bare, bareText := keys.Create(t, apikey.CreateParams{Subject: "user_2"})
	auth := httptest.NewServer(httpauth.Forward(keys.Verifier, &httpauth.ForwardOptions{Scopes: httpauth.ScopesFromQuery}))
	t.Cleanup(auth.Close)
	arrived := make(chan *http.Request, 100)
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r }))
	t.Cleanup(upstream.Close)
	url := start(t, auth.Listener.Addr().String(), upstream.Listener.Addr().String())

	pretence := []string{"X-Apikey-Id", "root", "X-Apikey-Subject", "root", "X-Apikey-Scopes", "admin", "X_Apikey_Scopes", "admin", "X-Apikey_Id", "root",
		"X_Apikey-Subject", "root", "x-apikey-other", "x"}
	for _, c := range []struct {
		what, path string
		headers    []string
		status     int
		told       []string // id, subject, scopes
	}{
		{"a scope", "/api/x?y=1", []string{"Authorization", "Bearer " + readerText}, 200, []string{reader.ID(), "user_1", "read"}},
		{"no scope", "/api/x", []string{"X-Api-Key", bareText}, 200, []string{bare.ID(), "user_2", ""}},
		{"pretence", "/api/x", append(pretence, "X-Api-Key", readerText), 200, []string{reader.ID(), "user_1", "read"}},
		{"pretence without a scope", "/api/x", append(pretence, "X-Api-Key", bareText), 200, []string{bare.ID(), "user_2", ""}},
		{"what is to be left out", "/api/x", []string{"X-Api-Key", readerText, "Connection", "X-Apikey-Scopes, X-Apikey-Id, X-Apikey-Subject"}, 200,
			[]string{reader.ID(), "user_1", "read"}},
		{"a query of the client's", "/api/x?scope=admin&a;b&x=%zz", []string{"X-Api-Key", readerText}, 200, []string{reader.ID(), "user_1", "read"}},
		{"nothing", "/api/x", nil, 401, nil},
		{"nothing, elsewhere", "/public/x", nil, 401, nil},
		{"pretence alone", "/api/x", pretence, 401, nil},
		{"two", "/api/x", []string{"Authorization", "Bearer " + readerText, "X-Api-Key", readerText}, 401, nil},
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(c.path, "?")
		r.URL.Path, r.URL.RawQuery = path, query
		for i := 0; i < len(c.headers); i += 2 {
			r.Header[c.headers[i]] = append(r.Header[c.headers[i]], c.headers[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.what, response.StatusCode, body)
		}
		var got *http.Request
		select {
		case got = <-arrived:
		default:
		}
		if (got != nil) != (c.told != nil) {
			t.Fatalf("%s: arrived: %v", c.what, got)
		}
		if got != nil {
			wantIdentity(t, c.what, got.Header, c.told)
		}
	}
}

// wantIdentity looks at every header that an upstream might take for one of ours.
func wantIdentity(t *testing.T, what string, h http.Header, told []string) {
	t.Helper()
	var got []string
	for _, name := range []string{"X-Apikey-Id", "X-Apikey-Subject", "X-Apikey-Scopes"} {
		got = append(got, h[name]...)
	}
	if !slices.Equal(got, told) {
		t.Errorf("%s: the upstream is told %q; want %q", what, got, told)
	}
	n := 0
	for name := range h {
		switch flat := strings.ReplaceAll(strings.ToLower(name), "_", "-"); {
		case strings.HasPrefix(flat, "x-apikey"):
			n++
		case flat == "authorization", flat == "x-api-key":
			t.Errorf("%s: the upstream gets %s", what, name)
		}
	}
	if n != len(told) {
		t.Errorf("%s: the upstream gets %v", what, h)
	}
}
