package examples_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	quick = time.Second     // the shortest -refresh
	usual = 5 * time.Second // the default
)

// untilRefused uses a token that has just died as long as it is accepted, and returns how long after from it was
// refused. What is asked later than within after it must be.
func untilRefused(t *testing.T, url, token string, from time.Time, within time.Duration) time.Duration {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		asked := time.Since(from)
		a, err := do(t.Context(), http.DefaultClient, "GET", url, token, "")
		switch {
		case err != nil:
			t.Fatal(err)
		case a.Status == http.StatusUnauthorized:
			took := time.Since(from)
			call(t, "GET", url, token, "", http.StatusUnauthorized) // and stays so
			return took
		case a.Status != http.StatusOK || asked > within:
			t.Fatalf("%d for a request %v after it died, want 401 within %v: %s", a.Status, asked, within, a.Body)
		}
		<-tick.C
	}
}

// Whatever takes something from a key ends its tokens: for the very next request to the server, and for the second process
// within -refresh. Those of another key live on.
func dieWithKey(t *testing.T, x programs) {
	s := x.startServer(t)
	seconds := map[time.Duration]*process{quick: x.startResource(t, s.URL, "-refresh", quick.String()), usual: x.startResource(t, s.URL)}
	for name, c := range map[string]struct{ method, path, body string }{
		"revoked":       {"POST", "/revoke", ""},
		"deleted":       {"DELETE", "", ""},
		"rotated":       {"POST", "/rotate", ""},
		"without scope": {"PATCH", "", `{"scopes":[]}`},
		"other claims":  {"PATCH", "", `{"claims":{"plan":"free"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := create(t, s, name)
			other := exchange(t, s.URL, create(t, s, "not "+name), nil)
			token := exchange(t, s.URL, key, nil)
			call(t, "GET", s.URL+"/whoami", token, "", http.StatusOK)
			for _, r := range seconds {
				call(t, "GET", r.URL+"/whoami", token, "", http.StatusOK)
			}

			call(t, c.method, s.URL+"/v1/api_keys/"+key.ID+c.path, s.Token, c.body, http.StatusOK)
			died := time.Now()
			call(t, "GET", s.URL+"/whoami", token, "", http.StatusUnauthorized)
			for _, refresh := range []time.Duration{quick, usual} {
				took := untilRefused(t, seconds[refresh].URL+"/whoami", token, died, refresh)
				t.Logf("%s: refused in the second process after %v, with -refresh %v", name, took.Round(time.Millisecond), refresh)
				call(t, "GET", seconds[refresh].URL+"/whoami", other, "", http.StatusOK)
			}
			call(t, "GET", s.URL+"/whoami", other, "", http.StatusOK)
		})
	}
}

// jwks returns the signing keys that are published, as they are written.
func jwks(t *testing.T, p *process) string {
	t.Helper()
	a := call(t, "GET", p.URL+"/.well-known/jwks.json", "", "", http.StatusOK)
	set := decode[struct{ Keys []map[string]json.RawMessage }](t, a)
	if len(set.Keys) == 0 {
		t.Fatalf("no signing keys: %s", a.Body)
	}
	for _, key := range set.Keys {
		if key["d"] != nil {
			t.Error("a private key is published")
		}
	}
	return a.Body
}

// startAt starts the server for an issuer that outlives it.
func (x programs) startAt(t *testing.T, f *front, db string, env ...string) *process {
	t.Helper()
	p := launch(t, x.server, append(env, "APIKEY_ADMIN_TOKEN="+adminToken), "-issuer", f.URL, "-db", db)
	f.put(t, p)
	return p
}

// With a keyring the signing keys are in the file: a token made before a restart is good after it, and what died before it
// is dead.
func restartSealed(t *testing.T, x programs) {
	f, db := newFront(t), filepath.Join(t.TempDir(), "keys.db")
	s := x.startAt(t, f, db, keyring)
	r := x.startResource(t, f.URL, "-refresh", quick.String())
	key, gone := create(t, s, "deploy"), create(t, s, "gone")
	token, dead := exchange(t, f.URL, key, nil), exchange(t, f.URL, gone, nil)
	for _, live := range []string{token, dead} {
		call(t, "GET", r.URL+"/whoami", live, "", http.StatusOK)
	}
	before := jwks(t, s)
	call(t, "POST", s.URL+"/v1/api_keys/"+gone.ID+"/revoke", s.Token, "", http.StatusOK)
	died := time.Now()
	f.put(t, nil)
	s.stop(t)

	s = x.startAt(t, f, db, keyring)
	if after := jwks(t, s); after != before {
		t.Errorf("the signing keys were\n%s\nand are\n%s", before, after)
	}
	call(t, "GET", s.URL+"/whoami", dead, "", http.StatusUnauthorized)
	// While nobody answered, the list was as it had been.
	took := untilRefused(t, r.URL+"/whoami", dead, died, time.Since(died)+quick)
	t.Logf("revoked before a restart: refused in the second process %v after", took.Round(time.Millisecond))
	fresh := x.startResource(t, f.URL) // one that has seen nothing of all that
	for _, p := range []*process{s, r, fresh} {
		call(t, "GET", p.URL+"/whoami", token, "", http.StatusOK)
		call(t, "GET", p.URL+"/whoami", dead, "", http.StatusUnauthorized)
	}
	call(t, "GET", r.URL+"/whoami", exchange(t, f.URL, key, nil), "", http.StatusOK)
}

// A server whose keyring is lost says so as it starts, and goes on for keys. Tokens are signed again when the old signing
// keys are discarded.
func lostKeyring(t *testing.T, x programs) {
	db := filepath.Join(t.TempDir(), "keys.db")
	env := []string{"APIKEY_ADMIN_TOKEN=" + adminToken}
	another := "APIKEY_KEYRING=" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	s := launch(t, x.server, append(env, keyring), "-db", db)
	key := create(t, s, "deploy")
	exchange(t, s.URL, key, nil)
	address := strings.TrimPrefix(s.URL, "http://")
	s.stop(t)

	s = launch(t, x.server, append(env, another), "-db", db, "-issuer", "http://"+address)
	call(t, "GET", s.URL+"/whoami", key.Secret, "", http.StatusOK)
	askToken(t, s.URL, key, nil, http.StatusServiceUnavailable)
	s.stop(t)
	if !strings.Contains(s.logged.String(), "-discard-signing-keys") {
		t.Errorf("logged %s", &s.logged)
	}
	s = launch(t, x.server, append(env, another), "-db", db, "-issuer", "http://"+address, "-discard-signing-keys")
	call(t, "GET", s.URL+"/whoami", exchange(t, s.URL, key, nil), "", http.StatusOK)
}

// Without a keyring each process signs with its own keys: a restart ends the tokens, at once for the server and as
// soon as the other has the new ones. New tokens are good at both.
func restartUnsealed(t *testing.T, x programs) {
	f, db := newFront(t), filepath.Join(t.TempDir(), "keys.db")
	s := x.startAt(t, f, db)
	r := x.startResource(t, f.URL, "-refresh", quick.String())
	key := create(t, s, "deploy")
	token := exchange(t, f.URL, key, nil)
	call(t, "GET", r.URL+"/whoami", token, "", http.StatusOK)
	before := jwks(t, s)
	f.put(t, nil)
	s.stop(t)

	s = x.startAt(t, f, db)
	from := time.Now()
	if jwks(t, s) == before {
		t.Error("the same signing keys")
	}
	call(t, "GET", s.URL+"/whoami", token, "", http.StatusUnauthorized)
	took := untilRefused(t, r.URL+"/whoami", token, from, 2*quick)
	t.Logf("restarted without a keyring: refused in the second process %v after", took.Round(time.Millisecond))
	again := exchange(t, f.URL, key, nil)
	for _, p := range []*process{s, r} {
		call(t, "GET", p.URL+"/whoami", again, "", http.StatusOK)
	}
}
