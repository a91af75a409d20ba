package httpauth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// A route's scopes are asked for whatever way the key came in.
func TestRequireScopes(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t) // with the scopes read and write
	for _, test := range []struct {
		scopes []string
		status int
	}{
		{nil, 200}, {[]string{"read"}, 200}, {[]string{"write", "read"}, 200},
		{[]string{"admin"}, 403}, {[]string{"read", "admin"}, 403}, {[]string{"READ"}, 403}, {[]string{"rea"}, 403}, {[]string{"reads"}, 403},
	} {
		for name, o := range map[string]*httpauth.Options{"plain": {Basic: true}, "realm": {Basic: true, Realm: "r"}} {
			h := httpauth.Middleware(v, o)(httpauth.RequireScopes(test.scopes...)(whoami))
			for _, header := range [][2]string{{"Authorization", "Bearer " + good}, {"X-API-Key", good}, {"Authorization", basic("", good)}} {
				w := serve(h, request(t, header[0], header[1]))
				if w.Code != test.status || (w.Body.String() == "user_good") != (test.status == 200) {
					t.Errorf("%v, %s: %d %s", test.scopes, header[1][:6], w.Code, w.Body)
				}
				if test.status == 200 {
					continue
				}
				want := `Bearer error="insufficient_scope", scope="` + strings.Join(test.scopes, " ") + `"`
				if name == "realm" {
					want = strings.Replace(want, "Bearer ", `Bearer realm="r", `, 1)
				}
				if c := w.Header().Values("WWW-Authenticate"); len(c) != 1 || c[0] != want {
					t.Errorf("%v: %q, want %q", test.scopes, c, want)
				}
				if !strings.Contains(w.Body.String(), `"scope":"`+strings.Join(test.scopes, " ")+`"`) || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" {
					t.Errorf("%v: %v %s", test.scopes, w.Header(), w.Body)
				}
			}
		}
	}
}

// Without a key nobody gets through: not where Middleware was forgotten, and not anonymously.
func TestRequireScopesWithoutKey(t *testing.T) {
	t.Parallel()
	v, _, _ := refusals(t)
	for _, scopes := range [][]string{nil, {"read"}} {
		demand := httpauth.RequireScopes(scopes...)(whoami)
		for what, h := range map[string]http.Handler{
			"no middleware":       demand,
			"anonymous":           httpauth.Middleware(v, &httpauth.Options{Anonymous: true})(demand),
			"anonymous and heard": httpauth.Middleware(v, &httpauth.Options{Anonymous: true, Realm: "r"})(demand),
		} {
			w := serve(h, request(t))
			if w.Code != 401 || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") || strings.Contains(w.Header().Get("WWW-Authenticate"), "error") {
				t.Errorf("%s, %v: %d %v", what, scopes, w.Code, w.Header())
			}
		}
	}
}

// Of two middlewares, the inner one's answers and OnResult are those of its routes.
func TestRequireScopesInTheInner(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	told := ""
	listen := func(name string) func(context.Context, httpauth.Result) {
		return func(_ context.Context, r httpauth.Result) { told += name + " " + r.Reason() + "; " }
	}
	outer := httpauth.Middleware(v, &httpauth.Options{Realm: "outer", OnResult: listen("outer")})
	demand := httpauth.RequireScopes("admin")(whoami)
	const scope = `error="insufficient_scope", scope="admin"`
	for _, test := range []struct {
		what, header string
		inner        *httpauth.Options
		challenge    string
		told         string
	}{
		{"plain", good, nil, "Bearer " + scope, "outer accepted; "},
		{"a realm", good, &httpauth.Options{Realm: "inner"}, `Bearer realm="inner", ` + scope, "outer accepted; "},
		{"heard", good, &httpauth.Options{OnResult: listen("inner")}, "Bearer " + scope, "outer accepted; inner accepted; inner insufficient_scope; "},
	} {
		told = ""
		w := serve(outer(httpauth.Middleware(v, test.inner)(demand)), request(t, "X-API-Key", test.header))
		if c := w.Header().Get("WWW-Authenticate"); w.Code != 403 || c != test.challenge || told != test.told {
			t.Errorf("%s: %d %q, told %q", test.what, w.Code, c, told)
		}
	}
	// Who may be anonymous is told what there is: Basic, too.
	w := serve(httpauth.Middleware(v, &httpauth.Options{Anonymous: true, Basic: true})(demand), request(t))
	if c := w.Header().Values("WWW-Authenticate"); w.Code != 401 || len(c) != 2 || !strings.HasPrefix(c[1], "Basic ") {
		t.Errorf("%d %q", w.Code, c)
	}
}

// What is changed in the list of scopes afterwards changes nothing.
func TestRequireScopesCopies(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	scopes := []string{"admin"}
	h := httpauth.Middleware(v, nil)(httpauth.RequireScopes(scopes...)(whoami))
	scopes[0] = "read"
	if w := serve(h, request(t, "X-API-Key", good)); w.Code != 403 {
		t.Errorf("%d", w.Code)
	}
}

// Scopes are read at every call: what an update takes away is gone with it.
func TestScopesAreCurrent(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{Scopes: []string{"admin"}})
	h := httpauth.Middleware(keys.Verifier, nil)(httpauth.RequireScopes("admin")(whoami))
	for _, want := range []int{200, 403} {
		if w := serve(h, request(t, "X-API-Key", text)); w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: []string{}}); err != nil {
			t.Fatal(err)
		}
	}
}
