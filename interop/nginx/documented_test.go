package nginx_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// documented returns the configuration that the doc of httpauth.Forward shows, in the frame of nginx.conf.
func documented(t *testing.T) string {
	t.Helper()
	source := read(t, filepath.Join("..", "..", "httpauth", "forward.go"))
	begin := strings.Index(source, "//\tlocation /api/ {")
	if begin < 0 {
		t.Fatal("the doc of Forward shows no location")
	}
	var locations strings.Builder
	for line := range strings.Lines(source[begin:]) {
		code, is := strings.CutPrefix(line, "//\t")
		if !is {
			break
		}
		locations.WriteString(code)
	}
	frame, _, found := strings.Cut(read(t, "nginx.conf"), "listen @LISTEN@;")
	if !found {
		t.Fatal("nginx.conf does not say where it listens")
	}
	filled := strings.NewReplacer("http://127.0.0.1:8080", "http://@AUTH@", "http://upstream", "http://@UPSTREAM@").Replace(locations.String())
	return frame + "listen @LISTEN@;\n" + filled + "location / { return 404; }\n}}\n"
}

// What the doc of Forward shows keeps what it promises, whatever clients say of themselves.
func TestDocumented(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	conf := documented(t)
	url := startWith(t, nginx, conf, strings.TrimPrefix(server.URL, "http://"), u.address)
	reader, bare := create(t, server, "reader", `["read"]`), create(t, server, "bare", `[]`)
	for _, c := range []struct {
		what   string
		k      key
		scopes string
	}{{"scopes", reader, "read"}, {"no scopes", bare, ""}} {
		response, body := get(t, url+"/api/x", "Authorization", "Bearer "+c.k.Secret, "X-Apikey-Id", reader.ID+"0", "X-Apikey-Subject", "root", "X-Apikey-Scopes", "admin",
			"X_Apikey_Scopes", "admin", "x-apikey-scopes", "admin")
		r := u.request(t)
		if response.StatusCode != http.StatusOK || r == nil {
			t.Fatalf("%s: %d: %s", c.what, response.StatusCode, body)
		}
		wantIdentity(t, r, c.k.ID, c.scopes)
	}
	for _, headers := range [][]string{nil, {"X-Api-Key", "garbage"}} {
		if response, _ := get(t, url+"/api/x", headers...); response.StatusCode != http.StatusUnauthorized || u.request(t) != nil {
			t.Errorf("%q: %d", headers, response.StatusCode)
		}
	}
	for _, path := range []string{"/auth", "/unavailable"} {
		if response, _ := get(t, url+path, "X-Api-Key", reader.Secret); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}

	get(t, url+"/api/a/..%2f..%2fapi/b", "X-Api-Key", reader.Secret) // and an upstream that takes %2f for a slash
	if r := u.request(t); r == nil || r.RequestURI != "/api/b" {
		t.Errorf("arrived: %v", r)
	}

	down := startWith(t, nginx, conf, deadAddress(t), u.address)
	response, body := get(t, down+"/api/x", "X-Api-Key", reader.Secret)
	if response.StatusCode != http.StatusServiceUnavailable || u.request(t) != nil {
		t.Errorf("%d with nobody to ask: %s", response.StatusCode, body)
	}
}
