package examples_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// front is a proxy, as one that terminates TLS: its address stays when the server behind it is another one.
type front struct {
	URL    string
	behind atomic.Pointer[url.URL] // nil: nobody
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := new(front)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(f.behind.Load()) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.behind.Load() == nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// put has a process answer; nil: nobody.
func (f *front) put(t *testing.T, p *process) {
	t.Helper()
	if p == nil {
		f.behind.Store(nil)
		return
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	f.behind.Store(u)
}

// wantMetadata reads what an issuer says of itself.
func wantMetadata(t *testing.T, url, issuer string) {
	t.Helper()
	m := decode[struct {
		Issuer     string `json:"issuer"`
		Token      string `json:"token_endpoint"`
		JWKS       string `json:"jwks_uri"`
		Introspect string `json:"introspection_endpoint"`
		Revoke     string `json:"revocation_endpoint"`
		List       string `json:"key_revocations_uri"`
	}](t, call(t, "GET", url, "", "", http.StatusOK))
	if m.Issuer != issuer || m.Token != issuer+"/oauth/token" || m.JWKS != issuer+"/.well-known/jwks.json" ||
		m.Introspect != issuer+"/oauth/introspect" || m.Revoke != issuer+"/oauth/revoke" || m.List != issuer+"/oauth/revocations" {
		t.Errorf("%+v, want all below %s", m, issuer)
	}
}

// Without the flag the issuer is the address that the ready line names.
func defaultIssuer(t *testing.T, x programs) {
	s := x.startServer(t)
	wantMetadata(t, s.URL+"/.well-known/oauth-authorization-server", s.URL)
	c := payload(t, exchange(t, s.URL, create(t, s, "deploy"), nil))
	if c.Iss != s.URL || c.Aud != s.URL {
		t.Errorf("issuer %q, audience %q; want %q", c.Iss, c.Aud, s.URL)
	}
}

// Behind a proxy the issuer is the proxy's URL, which may have a path; then everything is below it, and nothing
// where it would be without.
func issuerFlag(t *testing.T, x programs) {
	f := newFront(t)
	issuer := f.URL + "/auth-service" // and not /auth, which is for proxies
	s := x.startServer(t, "-issuer", issuer)
	f.put(t, s)
	wantMetadata(t, f.URL+"/.well-known/oauth-authorization-server/auth-service", issuer)
	key := create(t, s, "deploy")
	token := exchange(t, issuer, key, nil)
	if c := payload(t, token); c.Iss != issuer || c.Aud != issuer {
		t.Errorf("issuer %q, audience %q; want %q", c.Iss, c.Aud, issuer)
	}
	call(t, "GET", s.URL+"/whoami", token, "", http.StatusOK)
	call(t, "GET", x.startResource(t, issuer).URL+"/whoami", token, "", http.StatusOK)
	for _, path := range []string{"/oauth/token", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		call(t, "GET", s.URL+path, "", "", http.StatusNotFound)
	}
	// One that is told another name finds nothing there, and can't tell what the token is.
	a := call(t, "GET", x.startResource(t, s.URL, "-audience", issuer).URL+"/whoami", token, "", http.StatusServiceUnavailable)
	if a.Header.Get("Retry-After") == "" {
		t.Errorf("%v", a.Header)
	}
}

// A resource that is started first can't tell until the server answers, and then can by itself.
func serviceLate(t *testing.T, x programs) {
	f := newFront(t)
	r := x.startResource(t, f.URL, "-refresh", "1s")
	s := x.startServer(t, "-issuer", f.URL)
	token := exchange(t, s.URL, create(t, s, "deploy"), nil)
	call(t, "GET", r.URL+"/whoami", token, "", http.StatusServiceUnavailable)
	call(t, "GET", r.URL+"/healthz", "", "", http.StatusOK)
	f.put(t, s)
	from := time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := do(t.Context(), http.DefaultClient, "GET", r.URL+"/whoami", token, "")
		if err != nil {
			t.Fatal(err)
		}
		if a.Status == http.StatusOK {
			break
		}
		if a.Status != http.StatusServiceUnavailable || time.Since(from) > 10*time.Second {
			t.Fatalf("%d after %v: %s", a.Status, time.Since(from), a.Body)
		}
		<-tick.C
	}
}
