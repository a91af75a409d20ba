package oauth_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// service is examples/server and examples/resource.
type service struct {
	*serverproc.Server
	resource string // its URL
	metadata metadata
}

// metadata is what clients need of RFC 8414.
type metadata struct {
	Issuer     string `json:"issuer"`
	Token      string `json:"token_endpoint"`
	JWKS       string `json:"jwks_uri"`
	Introspect string `json:"introspection_endpoint"`
	Revoke     string `json:"revocation_endpoint"`
}

// discover asks for where everything is, as nobody has told the clients.
func (s *service) discover(t *testing.T) {
	t.Helper()
	a := get(t, s.URL+"/.well-known/oauth-authorization-server", "")
	if err := json.Unmarshal(a.body, &s.metadata); err != nil || a.status != http.StatusOK || s.metadata.Issuer != s.URL {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
}

// key is one of the server's.
type key struct{ ID, Secret string }

// create makes a key with the scopes read and write, and a claim.
func (s *service) create(t *testing.T, name string) (k key) {
	t.Helper()
	body := `{"name":"` + name + `","subject":"` + user + `","scopes":["read","write"],"claims":{"plan":"pro"}}`
	a := send(t, request(t, "POST", s.URL+"/v1/api_keys", s.Token, "application/json", body))
	if err := json.Unmarshal(a.body, &k); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%d %s, %v", a.status, a.body, err)
	}
	return k
}

// revoke revokes a key, as whoever manages it.
func (s *service) revoke(t *testing.T, k key) {
	t.Helper()
	if a := send(t, request(t, "POST", s.URL+"/v1/api_keys/"+k.ID+"/revoke", s.Token, "application/json", "")); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// token exchanges a key for a token, for an audience.
func (s *service) token(t *testing.T, k key, audience string) string {
	t.Helper()
	token, err := config(s, k, 0, audience).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// answer is what was answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// object reads a JSON object that was answered with a status.
func (a answer) object(t *testing.T, status int) (o map[string]any) {
	t.Helper()
	if err := json.Unmarshal(a.body, &o); err != nil || a.status != status || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s, %v; want %d and an object", a.status, a.body, err, status)
	}
	return o
}

// wantError fails the test unless it is an error of OAuth.
func (a answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if o := a.object(t, status); o["error"] != code || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v with %v, want %s", o, a.header, code)
	}
	if challenge := a.header.Get("WWW-Authenticate"); (challenge != "") != (status == http.StatusUnauthorized) {
		t.Errorf("a challenge %q with %d", challenge, status)
	}
}

func request(t *testing.T, method, url, bearer, kind, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// get asks with a bearer token, "": none.
func get(t *testing.T, url, bearer string) answer {
	t.Helper()
	return send(t, request(t, "GET", url, bearer, "", ""))
}

// form is a request with a form, for somebody; nil: nobody.
func form(t *testing.T, url string, client *key, values url.Values) answer {
	t.Helper()
	r := request(t, "POST", url, "", "application/x-www-form-urlencoded", values.Encode())
	if client != nil {
		r.SetBasicAuth(client.ID, client.Secret) // of characters that need no escapes
	}
	return send(t, r)
}

// tampered returns copies of a token: of one the claims were changed, of the others the signature, the algorithm, and all but
// the claims.
func tampered(t *testing.T, token string) map[string]string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(text), `"scope":"read`, `"scope":"admin`, 1)
	if more == string(text) {
		t.Fatalf("no scope to change in %s", text)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	signature[10] ^= 1
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]string{
		"claims":    parts[0] + "." + encode([]byte(more)) + "." + parts[2],
		"signature": parts[0] + "." + parts[1] + "." + encode(signature),
		"algorithm": encode([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + ".",
		"unsigned":  parts[0] + "." + parts[1] + ".",
	}
}
