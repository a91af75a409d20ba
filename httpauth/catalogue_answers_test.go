package httpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// CVE-2020-15111, CVE-2026-33758 (text of the request in the answer) and CVE-2026-33540, CVE-2026-48978 (the host in the challenge, which sends
// the client elsewhere): whatever the request holds, nothing of it is in an answer of this package.
func TestCVE_2020_15111_NothingIsReflected(t *testing.T) {
	reflects(t, "x\"><script>\r\nSet-Cookie: evil=1")
}

func TestCVE_2026_33540_RealmIsConfigured(t *testing.T) { reflects(t, "evil.example") }

// reflects sends what an attacker says in each part of a request, and looks for it in each kind of answer.
func reflects(t *testing.T, evil string) {
	t.Parallel()
	v, good, bad := refusals(t)
	for what, h := range map[string]http.Handler{
		"401":  httpauth.Middleware(v, &httpauth.Options{Realm: "configured", Basic: true})(whoami),
		"403":  httpauth.Middleware(v, &httpauth.Options{Realm: "configured"})(httpauth.RequireScopes("admin")(whoami)),
		"503":  httpauth.Middleware(always(nil, fmt.Errorf("%w: %s", apikey.ErrUnavailable, evil)), &httpauth.Options{Realm: "configured"})(whoami),
		"own":  httpauth.Middleware(always(nil, fmt.Errorf("%w: %s", apikey.ErrRejected, evil)), &httpauth.Options{Realm: "configured"})(whoami),
		"asks": httpauth.Forward(v, &httpauth.ForwardOptions{Options: httpauth.Options{Realm: "configured"}}),
	} {
		for _, credential := range []string{"", evil, bad[0].text, good} {
			r := request(t, "Origin", evil, "Referer", evil, "X-Forwarded-Host", evil, "X-Forwarded-Proto", evil, "X-Forwarded-Uri", evil, "Forwarded", "host="+evil, "User-Agent", evil, "Accept-Language", evil, evil, evil)
			r.Host, r.URL.Host, r.URL.Path, r.URL.RawQuery, r.Method = evil, evil, "/"+evil, evil, evil
			if credential != "" {
				r.Header["X-Api-Key"] = []string{credential}
			}
			w := serve(h, r)
			if w.Code < 300 && credential != good {
				t.Errorf("%s: %d", what, w.Code)
			}
			if said := fmt.Sprint(w.Header(), w.Body); strings.Contains(said, "evil") || strings.Contains(said, "script") {
				t.Errorf("%s, %.20q: %s", what, credential, said)
			}
			if challenge := strings.Join(w.Header().Values("WWW-Authenticate"), "|"); w.Code == 401 && !strings.Contains(challenge, `realm="configured"`) {
				t.Errorf("%s: %s", what, challenge)
			}
		}
	}
}

// CVE-2026-28699, CVE-2026-28744: one of several ways to log in did not look at scopes. Each way here does, with the same answer.
func TestCVE_2026_28699_ScopesForEveryScheme(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, reader := keys.Create(t, apikey.CreateParams{Scopes: []string{"read"}})
	_, writer := keys.Create(t, apikey.CreateParams{Scopes: []string{"read", "write"}})
	_, none := keys.Create(t, apikey.CreateParams{})
	o := httpauth.Options{Basic: true}
	for name, h := range map[string]http.Handler{
		"RequireScopes": httpauth.Middleware(keys.Verifier, &o)(httpauth.RequireScopes("read", "write")(whoami)),
		"AnyOf":         httpauth.Middleware(httpauth.AnyOf(always(nil, apikey.ErrMalformed), keys.Verifier), &o)(httpauth.RequireScopes("read", "write")(whoami)),
		"Forward":       httpauth.Forward(keys.Verifier, &httpauth.ForwardOptions{Options: o, Scopes: func(*http.Request) []string { return []string{"read", "write"} }}),
	} {
		for scheme, header := range map[string]func(text string) []string{
			"Bearer":         func(text string) []string { return []string{"Authorization", "Bearer " + text} },
			"bearer":         func(text string) []string { return []string{"Authorization", "bearer " + text} },
			"X-API-Key":      func(text string) []string { return []string{"X-API-Key", text} },
			"Basic password": func(text string) []string { return []string{"Authorization", basic("api", text)} },
			"Basic user":     func(text string) []string { return []string{"Authorization", basic(text, "")} },
		} {
			for what, text := range map[string]string{"too few": reader, "none": none} {
				if w := serve(h, request(t, header(text)...)); w.Code != 403 || !strings.Contains(w.Header().Get("WWW-Authenticate"), "insufficient_scope") {
					t.Errorf("%s, %s, %s: %d", name, scheme, what, w.Code)
				}
			}
			if w := serve(h, request(t, header(writer)...)); w.Code >= 300 {
				t.Errorf("control, %s, %s: %d", name, scheme, w.Code)
			}
		}
	}
}

// F6, GO-2025-3770, GO-2026-4316: a path with two slashes, or a host in it, became a redirect to another site. Nothing here redirects.
func TestF6_NothingRedirects(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	for name, h := range map[string]http.Handler{"Middleware": httpauth.Middleware(v, nil)(whoami), "Forward": httpauth.Forward(v, nil)} {
		for _, path := range []string{"//evil.example", "//evil.example/..", "/\\evil.example", "/%2f%2fevil.example", "/..//evil.example", "https://evil.example/", ""} {
			for _, text := range []string{good, bad[0].text} {
				r := request(t, "X-API-Key", text)
				r.URL.Path, r.URL.RawPath, r.RequestURI, r.Host = path, path, path, "evil.example"
				if w := serve(h, r); w.Code >= 300 && w.Code < 400 || w.Header().Get("Location") != "" {
					t.Errorf("%s, %q: %d %v", name, path, w.Code, w.Header())
				}
			}
		}
	}
}

// CVE-2023-45142: the method, or the host, was the label of a metric. What OnResult is given for one is a word of a fixed set.
func TestCVE_2023_45142_ReasonsAreFixed(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	seen := map[string]bool{}
	said := &httpauth.Options{Basic: true, OnResult: func(_ context.Context, r httpauth.Result) {
		seen[r.Reason()+" "+string(r.Source)+fmt.Sprint(r.Status)] = true
	}}
	broken := verify(func(_ context.Context, text string) (*apikey.Key, error) {
		return nil, fmt.Errorf("can't look for %s", text)
	})
	handlers := []http.Handler{httpauth.Middleware(v, said)(whoami), httpauth.Middleware(broken, said)(whoami)}
	try := func(n int) {
		for _, text := range []string{good, bad[0].text, bad[1].text, bad[2].text, fmt.Sprint("junk", n)} {
			for _, headers := range [][]string{{"X-API-Key", text}, {"Authorization", "Bearer " + text}, {"Authorization", fmt.Sprint("Scheme", n, " ", text)}, {fmt.Sprint("X-Header-", n), text}} {
				r := request(t, headers...)
				r.Method, r.Host, r.URL.Path = fmt.Sprint("METHOD", n), fmt.Sprint(n, ".example"), fmt.Sprint("/", n)
				for _, h := range handlers {
					serve(h, r)
				}
			}
		}
	}
	try(0)
	first := len(seen)
	for n := range 200 {
		try(n)
	}
	if len(seen) != first || first < 4 {
		t.Errorf("%d combinations of labels, at first %d: %v", len(seen), first, seen)
	}
}

// A6: a server that is full told clients that their key was no good, and they threw it away.
func TestA6_FullIsNoRejection(t *testing.T) {
	t.Parallel()
	full := always(nil, fmt.Errorf("%w: the queue is full", apikey.ErrOverloaded))
	for name, h := range map[string]http.Handler{"Middleware": httpauth.Middleware(full, nil)(whoami), "Forward": httpauth.Forward(full, nil)} {
		w := serve(h, request(t, "X-API-Key", "ak_x"))
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
}
