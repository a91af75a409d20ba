package examples_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// programs are the examples, built.
type programs struct{ server, resource string }

// TestTokens exchanges keys for tokens at examples/server, and shows the tokens to examples/resource, another process.
func TestTokens(t *testing.T) {
	t.Parallel()
	built := programs{build(t, "server"), build(t, "resource")}
	for name, test := range map[string]func(*testing.T, programs){
		"both take them": bothTakeThem, "audiences": audiences, "issuer": issuerFlag, "default issuer": defaultIssuer,
		"die with their key": dieWithKey, "restart": restartSealed, "restart without a keyring": restartUnsealed,
		"service comes late": serviceLate, "lost keyring": lostKeyring, "refused start": resourceRefusedStart, "interrupt": resourceInterrupt, "curl": tokensCurl,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, built)
		})
	}
}

// startServer starts the server with a token that is known, and flags.
func (x programs) startServer(t *testing.T, flags ...string) *process {
	t.Helper()
	flags = append(flags, "-db", filepath.Join(t.TempDir(), "keys.db"))
	return launch(t, x.server, []string{"APIKEY_ADMIN_TOKEN=" + adminToken}, flags...)
}

// startResource starts the second process.
func (x programs) startResource(t *testing.T, issuer string, flags ...string) *process {
	t.Helper()
	return launch(t, x.resource, nil, append(flags, "-issuer", issuer)...)
}

// createScoped makes a key with scopes and no claims.
func createScoped(t *testing.T, p *process, name string, scopes ...string) object {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": name, "subject": user, "scopes": scopes})
	if err != nil {
		t.Fatal(err)
	}
	return decode[object](t, call(t, "POST", p.URL+"/v1/api_keys", p.Token, string(body), http.StatusCreated))
}

// askToken presents a key at the token endpoint of an issuer, and has to get this status.
func askToken(t *testing.T, issuer string, key object, form url.Values, want int) *answer {
	t.Helper()
	values := url.Values{"grant_type": {"client_credentials"}}
	for name, v := range form {
		values[name] = v
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", issuer+"/oauth/token", strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(key.ID), url.QueryEscape(key.Secret))
	a, err := send(http.DefaultClient, r)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != want {
		t.Fatalf("the token endpoint answers %d, want %d: %s", a.Status, want, a.Body)
	}
	return a
}

// exchange returns a token for a key.
func exchange(t *testing.T, issuer string, key object, form url.Values) string {
	t.Helper()
	a := askToken(t, issuer, key, form, http.StatusOK)
	reply := decode[struct {
		Token string `json:"access_token"`
		Type  string `json:"token_type"`
	}](t, a)
	if strings.Count(reply.Token, ".") != 2 || reply.Type != "Bearer" || a.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s, %v", a.Body, a.Header)
	}
	return reply.Token
}

// payload returns the claims of a token, whoever has signed it.
func payload(t *testing.T, token string) (c struct{ Iss, Aud, Scope string }) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// A token says at both what its key may do. Nothing of it is in a log.
func bothTakeThem(t *testing.T, x programs) {
	s := x.startServer(t)
	r := x.startResource(t, s.URL)
	key, admin := create(t, s, "deploy"), createScoped(t, s, "admin", "read", "admin")
	token, powerful, less := exchange(t, s.URL, key, nil), exchange(t, s.URL, admin, nil), exchange(t, s.URL, admin, url.Values{"scope": {"read"}})
	for where, c := range map[string]struct{ whoami, report, name string }{
		s.URL: {"/whoami", "/admin/report", `"name":"",`}, r.URL: {"/whoami", "/report", ""},
	} {
		a := call(t, "GET", where+c.whoami, token, "", http.StatusOK)
		want := `{"id":"` + key.ID + `","subject":"` + user + `",` + c.name + `"scopes":["read"],"claims":{"plan":"pro"}}`
		if strings.TrimSpace(a.Body) != want || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s, want %s", a.Body, want)
		}
		call(t, "GET", where+c.report, powerful, "", http.StatusOK)
		for _, weak := range []string{token, less} {
			a := call(t, "GET", where+c.report, weak, "", http.StatusForbidden)
			if !strings.Contains(a.Header.Get("WWW-Authenticate"), `scope="admin"`) {
				t.Errorf("it does not say which scope is missing: %v", a.Header)
			}
		}
		call(t, "GET", where+c.whoami, "", "", http.StatusUnauthorized)
		call(t, "GET", where+c.whoami, tampered(token), "", http.StatusUnauthorized)
		call(t, "GET", where+"/healthz", "", "", http.StatusOK)
		call(t, "POST", where+c.whoami, token, "", http.StatusMethodNotAllowed)
	}
	if a := call(t, "GET", s.URL+"/auth?scope=read", token, "", http.StatusNoContent); a.Header.Get("X-Apikey-Id") != key.ID {
		t.Errorf("proxies are told of %v", a.Header)
	}
	call(t, "GET", s.URL+"/auth?scope=admin", token, "", http.StatusForbidden)
	call(t, "GET", s.URL+"/whoami", key.Secret, "", http.StatusOK)
	call(t, "GET", r.URL+"/whoami", key.Secret, "", http.StatusUnauthorized) // it knows no keys
	call(t, "GET", s.URL+"/api_keys?subject="+user, powerful, "", http.StatusUnauthorized)
	if n := scrape(t, s)[`apikey_verifications_total{outcome="malformed"}`]; n != 0 {
		t.Errorf("%d tokens are in the metrics as keys that are malformed", n)
	}

	askToken(t, s.URL, key, url.Values{"scope": {"admin"}}, http.StatusBadRequest)
	askToken(t, s.URL, object{ID: key.ID, Secret: admin.Secret}, nil, http.StatusUnauthorized)
	for _, p := range []*process{s, r} {
		log := p.stop(t)
		if !strings.Contains(log, `"reason":"unknown"`) || !strings.Contains(log, `"key":"`+key.ID+`"`) {
			t.Errorf("refusals are not in the log:\n%s", tail(log))
		}
		for _, secret := range []string{key.Secret, token, powerful, less, tampered(token)} {
			if strings.Contains(log, secret[len(secret)-40:]) {
				t.Error("a secret, or a token, is in the log")
			}
		}
	}
}

// tampered returns a token whose claims were changed behind the back of who signed it.
func tampered(token string) string {
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		panic(err)
	}
	changed := strings.Replace(string(text), `"scope":"read"`, `"scope":"admin"`, 1)
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(changed))
	return strings.Join(parts, ".")
}

// A token is good where it was made for, and nowhere else. The first audience is the server's own.
func audiences(t *testing.T, x programs) {
	const api, other = "https://api.example.com", "https://other.example.com"
	s := x.startServer(t, "-audiences", api+","+other)
	r, o := x.startResource(t, s.URL, "-audience", api), x.startResource(t, s.URL, "-audience", other)
	key := create(t, s, "deploy")
	for asked, aud := range map[string]string{"": api, api: api, other: other} {
		token := exchange(t, s.URL, key, url.Values{"audience": {asked}})
		if got := payload(t, token).Aud; got != aud {
			t.Errorf("asked for %q it is for %q", asked, got)
		}
		status := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}
		call(t, "GET", s.URL+"/whoami", token, "", status[aud == api])
		call(t, "GET", r.URL+"/whoami", token, "", status[aud == api])
		call(t, "GET", o.URL+"/whoami", token, "", status[aud == other])
	}
	askToken(t, s.URL, key, url.Values{"audience": {s.URL}}, http.StatusBadRequest) // not among the flag's
}
