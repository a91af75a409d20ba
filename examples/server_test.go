package examples_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestServer runs examples/server as its users do: as a process, called over HTTP.
func TestServer(t *testing.T) {
	t.Parallel()
	binary := build(t, "server")
	for name, test := range map[string]func(*testing.T, string){
		"life": life, "curl": curl, "restart": restart, "paths": paths, "who am I": whoAmI, "forward": forward, "metrics": metrics,
		"own token": ownToken, "refused start": refusedStart, "busy file": busyFile, "log": logged,
		"last request": lastRequest, "slow request": slowRequest, "slow header": slowHeader, "interrupt": interrupt, "second signal": secondSignal,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, binary)
		})
	}
}

// The life of a key, as the README tells it.
func life(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	key := create(t, p, "deploy")
	call(t, "POST", p.URL+"/api_keys", p.Token, createBody("deploy"), http.StatusConflict) // names are unique
	call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
	forbidden := call(t, "GET", p.URL+"/admin/report", key.Secret, "", http.StatusForbidden)
	if !strings.Contains(forbidden.Header.Get("WWW-Authenticate"), `scope="admin"`) {
		t.Errorf("it does not say which scope is missing: %v", forbidden.Header)
	}
	call(t, "PATCH", p.URL+"/api_keys/"+key.ID, p.Token, `{"scopes":["read","admin"]}`, http.StatusOK)
	call(t, "GET", p.URL+"/admin/report", key.Secret, "", http.StatusOK)

	before := time.Now().Truncate(time.Second)
	rotated := decode[object](t, call(t, "POST", p.URL+"/api_keys/"+key.ID+"/rotate", p.Token, `{"grace_seconds":3600}`, http.StatusOK))
	if rotated.ID != key.ID || rotated.Secret == key.Secret || rotated.Secret == "" {
		t.Errorf("rotated to %s", rotated.ID)
	}
	old := call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
	if !regexp.MustCompile(`^@[0-9]{10}$`).MatchString(old.Header.Get("Deprecation")) {
		t.Errorf("Deprecation of a secret that was rotated away: %q", old.Header["Deprecation"])
	}
	sunset, err := http.ParseTime(old.Header.Get("Sunset"))
	if err != nil || sunset.Before(before.Add(time.Hour-time.Second)) || sunset.After(time.Now().Add(time.Hour)) {
		t.Errorf("Sunset of a secret with an hour of grace, at %v: %q, %v", before, old.Header["Sunset"], err)
	}
	if a := call(t, "GET", p.URL+"/whoami", rotated.Secret, "", http.StatusOK); a.Header["Deprecation"] != nil || a.Header["Sunset"] != nil {
		t.Errorf("the new secret is deprecated, too: %v", a.Header)
	}

	verify := func(secret string, want int) {
		t.Helper()
		call(t, "POST", p.URL+"/api_keys/verify", p.Token, `{"secret":"`+secret+`"}`, want)
	}
	verify(rotated.Secret, http.StatusOK)
	a := call(t, "POST", p.URL+"/api_keys/"+key.ID+"/revoke", p.Token, `{"revocation_reason":"leaked"}`, http.StatusOK)
	if !decode[object](t, a).Revoked {
		t.Error("revoked is false")
	}
	for _, secret := range []string{key.Secret, rotated.Secret} {
		call(t, "GET", p.URL+"/whoami", secret, "", http.StatusUnauthorized)
		verify(secret, http.StatusNotFound)
	}
}

// Keys outlive the process, and so does when they were used: that is written at the end.
func restart(t *testing.T, binary string) {
	db := filepath.Join(t.TempDir(), "keys.db")
	p := startAdmin(t, binary, db)
	key, dead := create(t, p, "deploy"), create(t, p, "dead")
	call(t, "POST", p.URL+"/api_keys/"+dead.ID+"/revoke", p.Token, "", http.StatusOK)
	from := time.Now().UnixMilli()
	rotated := decode[object](t, call(t, "POST", p.URL+"/api_keys/"+key.ID+"/rotate", p.Token, "", http.StatusOK))
	call(t, "GET", p.URL+"/whoami", rotated.Secret, "", http.StatusOK)
	p.stop(t)

	p = startAdmin(t, binary, db)
	again := decode[object](t, call(t, "GET", p.URL+"/api_keys/"+key.ID, p.Token, "", http.StatusOK))
	if again.LastUsedAt == nil || *again.LastUsedAt < from || *again.LastUsedAt > time.Now().UnixMilli() {
		t.Errorf("last used at %v, want after %d", again.LastUsedAt, from)
	}
	call(t, "GET", p.URL+"/whoami", rotated.Secret, "", http.StatusOK)
	call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusUnauthorized)
	call(t, "GET", p.URL+"/whoami", dead.Secret, "", http.StatusUnauthorized)
}

// Where there is what, and for whom.
func paths(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	list := "?subject=" + user
	for _, c := range []struct {
		method, path, token string
		status              int
		kind                string // Content-Type
	}{
		{"GET", "/api_keys" + list, p.Token, 200, "application/json"},
		{"GET", "/v1/api_keys" + list, p.Token, 200, "application/json"},
		{"GET", "/api_keys" + list, "", 401, "application/json"},
		{"GET", "/v1/api_keys" + list, p.Token + "x", 401, "application/json"},
		{"GET", "/v1/api_keys//revoke", p.Token, 404, "application/json"}, // and no redirect
		{"GET", "/api_keys/../healthz", p.Token, 404, "application/json"},
		{"PUT", "/api_keys", p.Token, 405, "application/json"},
		{"GET", "/openapi.json", "", 200, "application/json"},
		{"GET", "/v1/openapi.json", "", 200, "application/json"},
		{"GET", "/healthz", "", 200, "application/json"},
		{"GET", "/metrics", "", 200, "text/plain; version=0.0.4; charset=utf-8"},
		{"GET", "/whoami", "", 401, "application/problem+json"},
		{"GET", "/whoami", p.Token, 401, "application/problem+json"}, // manages keys, and is none
		{"GET", "/admin/report", p.Token, 401, "application/problem+json"},
		{"GET", "/auth", "", 401, "application/problem+json"},
		{"GET", "/.well-known/jwks.json", "", 200, "application/jwk-set+json"},
		{"GET", "/.well-known/oauth-authorization-server", "", 200, "application/json"},
		{"GET", "/.well-known/openid-configuration", "", 404, "application/json"},
		{"GET", "/oauth/revocations", "", 200, "application/jwt"},
		{"GET", "/oauth/token", "", 405, "application/json"},
		{"POST", "/oauth/token", "", 400, "application/json"},
		{"POST", "/oauth/introspect", "", 401, "application/json"},
		{"POST", "/oauth/introspect", p.Token, 400, "application/json"}, // let in, and asks for nothing
		{"POST", "/oauth/revoke", "", 400, "application/json"},
		{"GET", "/oauth/../healthz", "", 404, "application/json"},
		{"GET", "/oauth//token", "", 404, "application/json"}, // and no redirect
		{"GET", "/", "", 404, "text/plain; charset=utf-8"},
		{"GET", "/oauth", "", 404, "text/plain; charset=utf-8"},
		{"GET", "/%6fauth/token", "", 404, "text/plain; charset=utf-8"},
		{"GET", "/v1/whoami", "", 404, "text/plain; charset=utf-8"},
		{"GET", "/api_keysx", p.Token, 404, "text/plain; charset=utf-8"},
		{"GET", "/v2/api_keys" + list, p.Token, 404, "text/plain; charset=utf-8"},
		{"GET", "/v1/v1/api_keys" + list, p.Token, 404, "text/plain; charset=utf-8"},
		{"GET", "/v1%2fapi_keys" + list, p.Token, 404, "text/plain; charset=utf-8"},
		{"GET", "/%61pi_keys" + list, p.Token, 404, "text/plain; charset=utf-8"},
		{"GET", "/x/openapi.json", "", 404, "text/plain; charset=utf-8"},
		{"POST", "/whoami", "", 405, "text/plain; charset=utf-8"},
	} {
		t.Run(fmt.Sprintf("%s %s %.5s", c.method, c.path, c.token), func(t *testing.T) {
			a := call(t, c.method, p.URL+c.path, c.token, "", c.status)
			if kind := a.Header.Get("Content-Type"); kind != c.kind {
				t.Errorf("Content-Type %q, want %q", kind, c.kind)
			}
		})
	}
}
