package leak_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// gitHubKey is a key pair of the GitHub of a test.
type gitHubKey struct {
	kid     string
	private *ecdsa.PrivateKey
	current bool
}

func newGitHubKey(t testing.TB) *gitHubKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &gitHubKey{hex.EncodeToString(id), private, true}
}

func (k *gitHubKey) pem(t testing.TB) string { return publicPEM(t, k.private.Public()) }

func publicPEM(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (k *gitHubKey) sign(t testing.TB, body string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(body))
	der, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// gitHub is the GitHub of a test: it serves the list of its keys, over HTTP or as a RoundTripper.
type gitHub struct {
	mu      sync.Mutex
	list    []byte
	fetches int
	unasked int // answers 304
	broken  func(*http.Request) (*http.Response, error)
}

// newGitHub lists keys.
func newGitHub(t testing.TB, keys ...*gitHubKey) *gitHub {
	g := &gitHub{}
	g.publish(t, keys...)
	return g
}

func (g *gitHub) publish(t testing.TB, keys ...*gitHubKey) {
	t.Helper()
	list := []map[string]any{}
	for _, k := range keys {
		list = append(list, map[string]any{"key_identifier": k.kid, "key": k.pem(t), "is_current": k.current})
	}
	body, err := json.Marshal(map[string]any{"public_keys": list})
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list = body
}

// breaks has it answer otherwise; nil: no more.
func (g *gitHub) breaks(f func(*http.Request) (*http.Response, error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.broken = f
}

// asked returns how often the list was fetched, and how often that was answered with 304.
func (g *gitHub) asked() (fetches, unchanged int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fetches, g.unasked
}

func (g *gitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := sha256.Sum256(g.list)
	etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		g.unasked++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(g.list)
}

func (g *gitHub) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.fetches++
	broken := g.broken
	g.mu.Unlock()
	if broken != nil {
		return broken(r)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Result(), nil
}

func answering(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// newEndpoint returns a handler that has the list from g.
func newEndpoint(t testing.TB, keys *apikeytest.Keys, g *gitHub, o leak.GitHubOptions) *leak.GitHub {
	t.Helper()
	if o.Transport == nil && g != nil {
		o.Transport = g
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := leak.NewGitHub(keys.Issuer, keys.Verifier, &o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// reported is what GitHub says of a find.
type reported struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"`
}

func message(t testing.TB, finds ...reported) string {
	t.Helper()
	if finds == nil {
		finds = []reported{}
	}
	body, err := json.Marshal(finds)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// findsOf are finds of some texts.
func findsOf(of ...string) (finds []reported) {
	for _, text := range of {
		finds = append(finds, reported{text, "example_key", "https://github.com/octocat/Hello-World/blob/main/.env", "content"})
	}
	return finds
}

// request is a signed call.
func request(t testing.TB, k *gitHubKey, body string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/leaks/github", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Github-Public-Key-Identifier", k.kid)
	r.Header.Set("Github-Public-Key-Signature", k.sign(t, body))
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// call sends a signed call.
func call(t testing.TB, h http.Handler, k *gitHubKey, body string) *httptest.ResponseRecorder {
	t.Helper()
	return serve(h, request(t, k, body))
}

// labels sends a signed call and returns what is said of each find, as it is hashed.
func labels(t testing.TB, h http.Handler, k *gitHubKey, finds []reported) (said []string) {
	t.Helper()
	w := call(t, h, k, message(t, finds...))
	var answers []map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &answers); w.Code != 200 || err != nil || len(answers) != len(finds) {
		t.Fatalf("%d, %v, %d answers to %d finds: %.300s", w.Code, err, len(answers), len(finds), w.Body)
	}
	if h := w.Header(); h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", h)
	}
	for n, a := range answers {
		sum := sha256.Sum256([]byte(finds[n].Token))
		if len(a) != 3 || a["token_hash"] != hex.EncodeToString(sum[:]) || a["token_type"] != finds[n].Type {
			t.Errorf("find %d: %v", n, a)
		}
		said = append(said, a["label"])
	}
	return said
}

const base62Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// junked returns the text with another secret, under the same id and with a good checksum, as anybody can publish it.
func junked(text string) string {
	n := len(text) - 72 + 22 + 20 // a digit of the secret
	other := "A"
	if text[n] == 'A' {
		other = "B"
	}
	text = text[:n] + other + text[n+1:len(text)-6]
	sum := crc32.ChecksumIEEE([]byte(text))
	var check [6]byte
	for i := 5; i >= 0; i-- {
		check[i] = base62Digits[sum%62]
		sum /= 62
	}
	return text + string(check[:])
}

func wantDead(t testing.TB, keys *apikeytest.Keys, text string) {
	t.Helper()
	if _, err := keys.Verifier.Verify(t.Context(), text); !isRevoked(err) {
		t.Errorf("a leaked key: %v", err)
	}
}

func wantAlive(t testing.TB, keys *apikeytest.Keys, text string) *apikey.Key {
	t.Helper()
	key, err := keys.Verifier.Verify(t.Context(), text)
	if err != nil {
		t.Errorf("a key that did not leak: %v", err)
	}
	return key
}
