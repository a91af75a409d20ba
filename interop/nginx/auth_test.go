package nginx_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

const user = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"

type key struct{ ID, Secret string }

// manage calls the management API of the server itself, not through nginx.
func manage(t *testing.T, server *serverproc.Server, path, body string) (k key) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+server.Token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%d, %v: %s", response.StatusCode, err, text)
	}
	if err := json.Unmarshal(text, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

func create(t *testing.T, server *serverproc.Server, name, scopes string) key {
	t.Helper()
	return manage(t, server, "/api_keys", fmt.Sprintf(`{"name":%q,"subject":%q,"scopes":%s}`, name, user, scopes))
}

// Who gets through, and what the upstream sees of it.
func TestAuthRequest(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
	reader := create(t, server, "reader", `["read","write"]`)
	admin := create(t, server, "admin", `["admin"]`)
	bare := create(t, server, "bare", `[]`)
	dead := create(t, server, "dead", `["admin"]`)
	manage(t, server, "/api_keys/"+dead.ID+"/revoke", "")

	const auth, header = "Authorization", "X-Api-Key"
	bearer := func(k key) string { return "Bearer " + k.Secret }
	for _, c := range []struct {
		name, path string
		headers    []string
		status     int
		owner      key // whose request arrives
		scopes     string
	}{
		{"bearer", "/api/x?y=1", []string{auth, bearer(reader)}, 200, reader, "read write"},
		{"X-API-Key", "/api/x?y=1", []string{header, reader.Secret}, 200, reader, "read write"},
		{"no scopes", "/api/x?y=1", []string{auth, bearer(bare)}, 200, bare, ""},
		{"pretending", "/api/x?y=1", []string{auth, bearer(reader), "X-Apikey-Id", admin.ID, "X-Apikey-Subject", "root", "X-Apikey-Scopes", "admin"},
			200, reader, "read write"},
		{"pretending twice, and in other spellings", "/api/x?y=1", []string{auth, bearer(bare), "X-Apikey-Scopes", "admin", "X-Apikey-Scopes", "root",
			"x-apikey-id", "root", "X_Apikey_Subject", "root"}, 200, bare, ""},
		{"as long as nginx takes", "/api/x?y=1", []string{auth, bearer(reader), "X-1", strings.Repeat("a", 7000), "X-2", strings.Repeat("a", 7000), "X-3",
			strings.Repeat("a", 7000)}, 200, reader, "read write"},
		{"admin", "/admin/x?y=1", []string{auth, bearer(admin)}, 200, admin, "admin"},
		{"admin's key elsewhere", "/api/x?y=1", []string{auth, bearer(admin)}, 200, admin, "admin"},

		{"nothing", "/api/x", nil, 401, key{}, ""},
		{"garbage", "/api/x", []string{auth, "Bearer garbage"}, 401, key{}, ""},
		{"another secret", "/api/x", []string{header, strings.ToLower(reader.Secret)}, 401, key{}, ""},
		{"revoked", "/api/x", []string{auth, bearer(dead)}, 401, key{}, ""},
		{"two places", "/api/x", []string{auth, bearer(reader), header, reader.Secret}, 401, key{}, ""},
		{"two keys", "/api/x", []string{header, reader.Secret, header, admin.Secret}, 401, key{}, ""},
		{"nothing but pretence", "/api/x", []string{"X-Apikey-Id", admin.ID, "X-Apikey-Subject", user, "X-Apikey-Scopes", "admin"}, 401, key{}, ""},
		{"in the URL", "/api/x?api_key=" + reader.Secret, nil, 401, key{}, ""},

		{"scope missing", "/admin/x", []string{auth, bearer(reader)}, 403, key{}, ""},
		{"scope pretended", "/admin/x", []string{auth, bearer(reader), "X-Apikey-Scopes", "admin"}, 403, key{}, ""},
		{"another scope asked for", "/admin/x?scope=read", []string{auth, bearer(reader)}, 403, key{}, ""},
		{"admin without a key", "/admin/x", nil, 401, key{}, ""},
		{"admin revoked", "/admin/x", []string{auth, bearer(dead)}, 401, key{}, ""},
		{"asking by oneself", "/auth", []string{auth, bearer(reader)}, 404, key{}, ""},
		{"asking for admin by oneself", "/auth-admin", []string{auth, bearer(admin)}, 404, key{}, ""},
		{"the page for failures", "/unavailable", []string{auth, bearer(reader)}, 404, key{}, ""},
		{"round the back", "/api/../admin/x", []string{auth, bearer(reader)}, 403, key{}, ""},
		{"round the back, escaped", "/api/..%2fadmin/x", []string{auth, bearer(reader)}, 403, key{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) { // one after the other: the upstream is told what to expect
			response, body := get(t, url+c.path, c.headers...)
			if response.StatusCode != c.status {
				t.Fatalf("status %d, want %d: %s", response.StatusCode, c.status, body)
			}
			if challenged := strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Bearer"); challenged != (c.status == http.StatusUnauthorized) {
				t.Errorf("%d with WWW-Authenticate %q", c.status, response.Header["Www-Authenticate"])
			}
			r := u.request(t)
			if (r != nil) != (c.status == http.StatusOK) {
				t.Fatalf("%d, and at the upstream arrived %v", c.status, r)
			}
			if r != nil {
				wantIdentity(t, r, c.owner.ID, c.scopes)
				if r.RequestURI != c.path || r.Host != "127.0.0.1" || body != "from the upstream" {
					t.Errorf("%s arrived as %s for %s, answered by %q", c.path, r.RequestURI, r.Host, body)
				}
			}
		})
	}
}

// What arrives is the path that was judged, and not what the client wrote: an upstream that reads escapes in another
// way than nginx would take the one for the other.
func TestPathThatWasJudged(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
	reader := create(t, server, "reader", `["read"]`)
	for path, arrives := range map[string]string{
		"/admin/../api/x":            "/api/x",
		"/admin/..%2fapi/x?y=..%2f":  "/api/x?y=..%2f",
		"/admin/x/..%2f..%2fapi/x":   "/api/x",
		"/admin/%2e%2e/api/x":        "/api/x",
		"/api/a/..%2f..%2fapi/b":     "/api/b",
		"/api//x":                    "/api/x",
		"/api/a%20b%3Fc":             "/api/a%20b%3Fc",
		"/api/a%252fb":               "/api/a%252fb",
		"/api/..%2f..%2f":            "", // 400
		"/admin/x/..%2f..%2fadmin/x": "", // 403
		"/%61dmin/x":                 "", // 403
	} {
		response, _ := get(t, url+path, "X-Api-Key", reader.Secret)
		r := u.request(t)
		switch {
		case arrives == "" && (r != nil || response.StatusCode/100 != 4):
			t.Errorf("%s: %d, arrived: %v", path, response.StatusCode, r)
		case arrives != "" && (r == nil || r.RequestURI != arrives):
			t.Errorf("%s: %d, arrived: %v, want %s", path, response.StatusCode, r, arrives)
		}
	}
}

// The owner of a secret that was rotated away is told so through nginx.
func TestGrace(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
	old := create(t, server, "rotated", `[]`)
	fresh := manage(t, server, "/api_keys/"+old.ID+"/rotate", `{"grace_seconds":3600}`)
	for secret, told := range map[string]bool{old.Secret: true, fresh.Secret: false} {
		response, _ := get(t, url+"/api/x", "X-Api-Key", secret)
		u.request(t)
		h := response.Header
		if response.StatusCode != 200 || (len(h["Deprecation"]) == 1) != told || (len(h["Sunset"]) == 1) != told {
			t.Errorf("%d %v", response.StatusCode, h)
		}
	}
}

// wantIdentity checks what the upstream is told of a request, and that it is told nothing else.
func wantIdentity(t *testing.T, r *http.Request, id, scopes string) {
	t.Helper()
	told := map[string][]string{}
	for name, values := range r.Header {
		switch flat := strings.ReplaceAll(strings.ToLower(name), "_", "-"); {
		case strings.HasPrefix(flat, "x-apikey"), flat == "authorization", flat == "x-api-key":
			told[name] = values
		}
	}
	want := map[string][]string{"X-Apikey-Id": {id}, "X-Apikey-Subject": {user}}
	if scopes != "" { // nginx sends no empty header
		want["X-Apikey-Scopes"] = []string{scopes}
	}
	if fmt.Sprint(told) != fmt.Sprint(want) { // maps are printed in order
		t.Errorf("the upstream is told %v, want %v", told, want)
	}
}

// The first request after a revocation is refused.
func TestRevoked(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
	k := create(t, server, "leaked", `["read"]`)
	for range 3 {
		if response, body := get(t, url+"/api/x", "Authorization", "Bearer "+k.Secret); response.StatusCode != http.StatusOK {
			t.Fatalf("%d: %s", response.StatusCode, body)
		}
		u.request(t)
	}
	manage(t, server, "/api_keys/"+k.ID+"/revoke", `{"revocation_reason":"leaked"}`)
	response, body := get(t, url+"/api/x", "Authorization", "Bearer "+k.Secret)
	if response.StatusCode != http.StatusUnauthorized || u.request(t) != nil {
		t.Errorf("%d after the revocation: %s", response.StatusCode, body)
	}
}

// A body arrives at the upstream, although the server that is asked has none.
func TestBody(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	server, u := serverproc.Start(t), newUpstream(t)
	url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
	k := create(t, server, "writer", `[]`)
	r, err := http.NewRequestWithContext(t.Context(), "POST", url+"/api/echo", strings.NewReader("the body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+k.Secret)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	arrived := u.request(t)
	if err != nil || response.StatusCode != http.StatusOK || arrived == nil || arrived.Method != "POST" || string(body) != "the body" {
		t.Errorf("%d, %v: %q; arrived: %v", response.StatusCode, err, body, arrived)
	}
}

// What can't be told is 503 and not 500, and never a yes. The upstream's own 500 stays what it is.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	nginx := binary(t)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(busy.Close)
	for name, auth := range map[string]string{"busy": strings.TrimPrefix(busy.URL, "http://"), "down": deadAddress(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			url := start(t, nginx, auth, u.address)
			for _, path := range []string{"/api/x", "/admin/x"} {
				response, body := get(t, url+path, "Authorization", "Bearer whatever")
				h := response.Header
				if response.StatusCode != http.StatusServiceUnavailable || h.Get("Retry-After") != "1" || h.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%d, %v: %s", response.StatusCode, h, body)
				}
				var problem struct{ Status int }
				if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Status != http.StatusServiceUnavailable {
					t.Errorf("%v: %s", err, body)
				}
				if u.request(t) != nil {
					t.Error("it arrived at the upstream")
				}
			}
		})
	}
	t.Run("broken upstream", func(t *testing.T) {
		t.Parallel()
		server, u := serverproc.Start(t), newUpstream(t)
		url := start(t, nginx, strings.TrimPrefix(server.URL, "http://"), u.address)
		k := create(t, server, "unlucky", `["admin"]`)
		for _, path := range []string{"/api/broken", "/admin/broken"} {
			response, body := get(t, url+path, "Authorization", "Bearer "+k.Secret)
			if response.StatusCode != http.StatusInternalServerError || body != "from the upstream" || u.request(t) == nil {
				t.Errorf("%s: %d: %s", path, response.StatusCode, body)
			}
		}
	})
}
