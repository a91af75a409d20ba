package examples_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What /whoami tells of a key that has everything, and of one that has nothing.
func whoAmI(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	for _, c := range []struct{ name, body, want string }{
		{"full", createBody("full"), `"scopes":["read"],"claims":{"plan":"pro"}}`},
		{"bare", `{"name":"bare","subject":"` + user + `"}`, `"scopes":[],"claims":null}`},
	} {
		key := decode[object](t, call(t, "POST", p.URL+"/api_keys", p.Token, c.body, http.StatusCreated))
		a := call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
		want := `{"id":"` + key.ID + `","subject":"` + user + `","name":"` + c.name + `",` + c.want
		if strings.TrimSpace(a.Body) != want || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, want %s", a.Body, want)
		}
	}
}

// /auth answers proxies, for all scopes that the URL names. What is no scope lets nobody through.
func forward(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	body := `{"name":"proxied","subject":"` + user + `","scopes":["read","write"]}`
	key := decode[object](t, call(t, "POST", p.URL+"/api_keys", p.Token, body, http.StatusCreated))
	for query, want := range map[string]int{
		"": 204, "?": 204, "?scope=read": 204, "?scope=read&scope=write": 204, "?scope=read+write": 204, "?scope=write%20read": 204,
		"?scope=admin": 403, "?scope=read&scope=admin": 403, "?scope=read+admin": 403,
		"?scope=": 403, "?scope": 403, "?scope=+": 403, "?scope=read&scope=": 403, "?scope=%zz": 403, "?a;b": 403,
	} {
		a := call(t, "GET", p.URL+"/auth"+query, key.Secret, "", want)
		id, subject, scopes := a.Header.Get("X-Apikey-Id"), a.Header.Get("X-Apikey-Subject"), a.Header.Get("X-Apikey-Scopes")
		identity := ""
		if want == http.StatusNoContent {
			identity = key.ID + "," + user + ",read write"
		}
		if got := strings.Trim(id+","+subject+","+scopes, ","); got != identity {
			t.Errorf("%q: %q, want %q", query, got, identity)
		}
	}
}

// sample is a line of metrics that is no comment.
var sample = regexp.MustCompile(`^(apikey_[a-z0-9_]+)((?:\{[a-z]+="[a-z]+"\})?) ([0-9]+)$`)

// scrape reads /metrics as Prometheus does.
func scrape(t *testing.T, p *process) map[string]uint64 {
	t.Helper()
	values, kinds, family := map[string]uint64{}, map[string]string{}, ""
	text := call(t, "GET", p.URL+"/metrics", "", "", http.StatusOK).Body
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if help, is := strings.CutPrefix(line, "# HELP "); is {
			family, _, _ = strings.Cut(help, " ")
			if kinds[family] != "" {
				t.Errorf("%s is there twice", family)
			}
			continue
		}
		if kind, is := strings.CutPrefix(line, "# TYPE "+family+" "); is {
			kinds[family] = kind
			if kind != "gauge" && kind != "counter" || strings.HasSuffix(family, "_total") != (kind == "counter") {
				t.Errorf("%s is a %s", family, kind)
			}
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != family || kinds[family] == "" {
			t.Fatalf("a line of %q that is no sample of it: %q", family, line)
		}
		n, err := strconv.ParseUint(m[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		values[m[1]+m[2]] = n
	}
	return values
}

// Counters move, and nothing tells of single keys.
func metrics(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	before := scrape(t, p)
	if len(before) != 17 {
		t.Errorf("%d samples, want 8 outcomes and 9 more: %v", len(before), before)
	}
	key := create(t, p, "measured")
	const uses = 6
	for range uses {
		call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
	}
	call(t, "GET", p.URL+"/whoami", "garbage", "", http.StatusUnauthorized)
	foreign := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	call(t, "GET", p.URL+"/whoami", create(t, foreign, "foreign").Secret, "", http.StatusUnauthorized)
	if warm := scrape(t, p); warm["apikey_cached_credentials"] != 1 {
		t.Errorf("%d credentials in the cache; want 1", warm["apikey_cached_credentials"])
	}
	call(t, "POST", p.URL+"/api_keys/"+key.ID+"/revoke", p.Token, "", http.StatusOK)
	for range 2 {
		call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusUnauthorized)
	}
	after := scrape(t, p)
	for name, want := range map[string]uint64{
		`apikey_verifications_total{outcome="accepted"}`: uses, `apikey_verifications_total{outcome="malformed"}`: 1, `apikey_verifications_total{outcome="unknown"}`: 1,
		`apikey_verifications_total{outcome="revoked"}`: 2, `apikey_verifications_total{outcome="expired"}`: 0,
		"apikey_verifications_warm_total": uses - 1, "apikey_argon2_runs_total": 1,
	} {
		if moved := after[name] - before[name]; name != "apikey_verifications_warm_total" && moved != want || moved < want {
			t.Errorf("%s went from %d by %d, want %d", name, before[name], moved, want)
		}
	}
	if after["apikey_store_reads_total"] == 0 || after["apikey_cached_bytes"] == 0 {
		t.Errorf("nothing was read, or nothing is cached: %v", after)
	}
	text := call(t, "GET", p.URL+"/metrics", "", "", http.StatusOK).Body
	for _, private := range []string{key.ID, strings.TrimPrefix(key.ID, "ak_"), user, "measured", key.Secret, "plan"} {
		if strings.Contains(text, private) {
			t.Errorf("%q is in the metrics", private)
		}
	}
}

// Refusals are logged as JSON, with the key's id where it is known, and never with a secret.
func logged(t *testing.T, binary string) {
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	key := create(t, p, "logged")
	call(t, "GET", p.URL+"/admin/report", key.Secret, "", http.StatusForbidden)
	call(t, "POST", p.URL+"/api_keys/"+key.ID+"/revoke", p.Token, "", http.StatusOK)
	call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusUnauthorized)
	call(t, "GET", p.URL+"/auth", key.Secret, "", http.StatusUnauthorized)
	const garbage = "ak_not-quite-a-key"
	call(t, "GET", p.URL+"/whoami", garbage, "", http.StatusUnauthorized)
	call(t, "GET", p.URL+"/api_keys?subject="+user, garbage, "", http.StatusUnauthorized)
	text := p.stop(t)

	type refusal struct {
		Msg, Level, Reason, Source, Key string
		Status                          int
	}
	var refusals []refusal
	callers := 0
	for line := range strings.Lines(text) {
		var entry refusal
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if entry.Msg == "httpapi: a caller was refused" {
			callers++
		}
		if entry.Msg == "refused" {
			refusals = append(refusals, entry)
		}
	}
	want := []refusal{
		{"refused", "INFO", "insufficient_scope", "", key.ID, 403}, {"refused", "INFO", "revoked", "bearer", key.ID, 401},
		{"refused", "INFO", "revoked", "bearer", key.ID, 401}, {"refused", "INFO", "malformed", "bearer", "", 401},
	}
	if callers != 1 {
		t.Errorf("%d refusals of callers of the API; want 1", callers)
	}
	if len(refusals) != len(want) {
		t.Fatalf("refusals %v, want %v", refusals, want)
	}
	for i := range want {
		if refusals[i] != want[i] {
			t.Errorf("refusal %d is %v, want %v", i, refusals[i], want[i])
		}
	}
	for _, secret := range []string{key.Secret, key.Secret[len(key.Secret)-40:], adminToken, garbage} {
		if strings.Contains(text, secret) {
			t.Error("a secret is in the log")
		}
	}
}
