package leak_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

const (
	kidHeader       = "Github-Public-Key-Identifier"
	signatureHeader = "Github-Public-Key-Signature"
)

// What GitHub has not signed revokes nothing, and is answered in one way, so that nobody learns which keys there are.
func TestGitHubUnsigned(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer, other, stranger := newGitHubKey(t), newGitHubKey(t), newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer, other), leak.GitHubOptions{})
	_, text := keys.Create(t, apikey.CreateParams{})
	body := message(t, findsOf(text, junked(text))...)
	replaced := func(body string) func(*http.Request) {
		return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) }
	}
	signature := func(edit func(der []byte) []byte) func(*http.Request) {
		return func(r *http.Request) {
			der, err := base64.StdEncoding.DecodeString(r.Header.Get(signatureHeader))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(signatureHeader, base64.StdEncoding.EncodeToString(edit(der)))
		}
	}
	var spaced, again bytes.Buffer
	if err := json.Indent(&spaced, []byte(body), "", " "); err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := json.Unmarshal([]byte(body), &parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(&again).Encode(parsed); err != nil { // sorts the members
		t.Fatal(err)
	}
	const unknown, capitals = "an unknown identifier", "an identifier in capitals"
	cases := map[string]func(*http.Request){
		"no headers":                  func(r *http.Request) { r.Header.Del(kidHeader); r.Header.Del(signatureHeader) },
		"no identifier":               func(r *http.Request) { r.Header.Del(kidHeader) },
		"no signature":                func(r *http.Request) { r.Header.Del(signatureHeader) },
		"an empty identifier":         func(r *http.Request) { r.Header.Set(kidHeader, "") },
		"an empty signature":          func(r *http.Request) { r.Header.Set(signatureHeader, "") },
		"two identifiers":             func(r *http.Request) { r.Header.Add(kidHeader, r.Header.Get(kidHeader)) },
		"two signatures":              func(r *http.Request) { r.Header.Add(signatureHeader, r.Header.Get(signatureHeader)) },
		"two signatures in one":       func(r *http.Request) { s := r.Header.Get(signatureHeader); r.Header.Set(signatureHeader, s+", "+s) },
		unknown:                       func(r *http.Request) { r.Header.Set(kidHeader, stranger.kid) },
		capitals:                      func(r *http.Request) { r.Header.Set(kidHeader, strings.ToUpper(signer.kid)) },
		"a long identifier":           func(r *http.Request) { r.Header.Set(kidHeader, strings.Repeat("a", 1<<16)) },
		"another of GitHub's keys":    func(r *http.Request) { r.Header.Set(kidHeader, other.kid) },
		"somebody else's signature":   func(r *http.Request) { r.Header.Set(signatureHeader, stranger.sign(t, body)) },
		"of another body":             func(r *http.Request) { r.Header.Set(signatureHeader, signer.sign(t, "[]")) },
		"something behind the base64": func(r *http.Request) { r.Header.Set(signatureHeader, r.Header.Get(signatureHeader)+"AAAA") },
		"base64 that is not":          func(r *http.Request) { r.Header.Set(signatureHeader, "!"+r.Header.Get(signatureHeader)[1:]) },
		"a long signature":            func(r *http.Request) { r.Header.Set(signatureHeader, strings.Repeat("A", 1<<16)) },
		"something behind the DER":    signature(func(der []byte) []byte { return append(der, 0) }),
		"a bit":                       signature(func(der []byte) []byte { der[len(der)-1] ^= 1; return der }),
		"r and s as zero":             signature(func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} }),
		"r and s as raw bytes":        signature(func([]byte) []byte { return bytes.Repeat([]byte{1}, 64) }),
		"a body that is indented":     replaced(spaced.String()),
		"a body that is put together": replaced(again.String()),
		"a body with a line end":      replaced(body + "\n"),
		"a body cut short":            replaced(body[:len(body)-1]),
		"no body":                     replaced(""),
		"a body that is nil":          func(r *http.Request) { r.Body = nil },
	}
	want := ""
	for what, edit := range cases {
		r := request(t, signer, body)
		edit(r)
		h := h
		if what == unknown || what == capitals { // the list is fetched for it, which is not done twice in a row
			h = newEndpoint(t, keys, newGitHub(t, signer, other), leak.GitHubOptions{})
		}
		w := serve(h, r)
		got := w.Body.String() + "\n" + strings.Join(headerLines(w.Header()), "\n")
		if want == "" {
			want = got
		}
		if w.Code != http.StatusForbidden || got != want {
			t.Errorf("%s: %d %s", what, w.Code, got)
		}
		wantAlive(t, keys, text)
	}
	if !strings.Contains(want, "no-store") {
		t.Errorf("%s", want)
	}
	// The control: the same request, as it was signed, by each of the listed keys.
	if w := call(t, h, other, body); w.Code != 200 || !strings.Contains(w.Body.String(), truePositive) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantDead(t, keys, text)
}

func headerLines(h http.Header) (lines []string) {
	for name, values := range h {
		lines = append(lines, name+": "+strings.Join(values, ", "))
	}
	slices.Sort(lines)
	return lines
}

// Base64 whose last digit has bits that nothing is made of is another spelling of the same signature.
func TestGitHubSignatureSpelling(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	for tried := range 50 { // until one has padding
		r := request(t, signer, "[]")
		s := r.Header.Get(signatureHeader)
		if !strings.HasSuffix(s, "=") {
			continue
		}
		last := len(strings.TrimRight(s, "=")) - 1
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		r.Header.Set(signatureHeader, s[:last]+string(alphabet[strings.IndexByte(alphabet, s[last])+1])+s[last+1:])
		if w := serve(h, r); w.Code != http.StatusForbidden {
			t.Errorf("spelled otherwise: %d", w.Code)
		}
		r.Header.Set(signatureHeader, strings.TrimRight(s, "="))
		if w := serve(h, r); w.Code != http.StatusForbidden {
			t.Errorf("without padding: %d", w.Code)
		}
		r = request(t, signer, "[]")
		r.Header.Set(signatureHeader, s)
		if w := serve(h, r); w.Code != 200 {
			t.Errorf("control: %d after %d", w.Code, tried)
		}
		return
	}
	t.Error("no signature had padding")
}

// The known answer: the example of GitHub's own documentation of the program, with its test key.
func TestGitHubKnownAnswer(t *testing.T) {
	t.Parallel()
	const (
		kid       = "f9525bf080f75b3506ca1ead061add62b8633a346606dc5fe544e29231c6ee0d"
		key       = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsz9ugWDj5jK5ELBK42ynytbo38gP\nHzZFI03Exwz8Lh/tCfL3YxwMdLjB+bMznsanlhK0RwcGP3IDb34kQDIo3Q==\n-----END PUBLIC KEY-----"
		signature = "MEUCIFLZzeK++IhS+y276SRk2Pe5LfDrfvTXu6iwKKcFGCrvAiEAhHN2kDOhy2I6eGkOFmxNkOJ+L2y8oQ9A2T9GGJo6WJY="
		body      = `[{"token":"some_token","type":"some_type","url":"some_url","source":"some_source"}]`
	)
	list, err := json.Marshal(map[string]any{"public_keys": []any{map[string]any{"key_identifier": kid, "key": key, "is_current": true}}})
	if err != nil {
		t.Fatal(err)
	}
	github := &gitHub{list: list}
	h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
	send := func(body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("GITHUB-PUBLIC-KEY-IDENTIFIER", kid)
		r.Header.Set("GITHUB-PUBLIC-KEY-SIGNATURE", signature)
		return serve(h, r)
	}
	// SHA-256 of "some_token", as sha256sum prints it.
	const want = `[{"token_hash":"9a45520a1213f15016d2d768b5fb3d904492a44ee274b44d4de8803e00fb536a","token_type":"some_type","label":"false_positive"}]`
	if w := send(body); w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := send(body + "\n"); w.Code != http.StatusForbidden {
		t.Errorf("another body: %d", w.Code)
	}
}

// Signed, and not what was agreed on.
func TestGitHubMalformed(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	_, text := keys.Create(t, apikey.CreateParams{})
	one := strings.Trim(message(t, findsOf(text)...), "[]")
	for _, body := range []string{"", " ", "null", "{}", `"` + text + `"`, text, one, `{"x":[` + one + `]}`, "[" + one, "[" + one + ",", "[" + one + ",]", "[" + one + "]]", "[" + one + "] x",
		"[" + one + "][" + one + "]", "[" + one + "," + text + "]", "[" + one + strings.Repeat("[", 1<<16), "[" + one + `,{"token":"` + text} {
		w := call(t, h, signer, body)
		if w.Code != http.StatusBadRequest || w.Body.String() != "not a JSON array\n" {
			t.Errorf("%.80q: %d %s", body, w.Code, w.Body)
		}
	}
	wantAlive(t, keys, text)
}

func TestGitHubMethods(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	github := newGitHub(t, signer)
	h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "post", "QUERY"} {
		r := request(t, signer, "[]")
		r.Method = method
		if w := serve(h, r); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: %d %v", method, w.Code, w.Header())
		}
	}
	if n, _ := github.asked(); n > 0 {
		t.Errorf("the list was fetched %d times", n)
	}
}

// counted counts what is read of it.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

// A call that is too long is not read to its end, and not at all if it says so.
func TestGitHubTooLong(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	h := newEndpoint(t, apikeytest.New(t, nil), newGitHub(t, signer), leak.GitHubOptions{})
	long := "[" + strings.Repeat(" ", 10_000_000-2) + "]"
	for _, length := range []int64{int64(len(long)), -1, 0} {
		r := request(t, signer, long)
		body := &counted{Reader: strings.NewReader(long)}
		r.Body, r.ContentLength = io.NopCloser(body), length
		w := serve(h, r)
		if w.Code != http.StatusRequestEntityTooLarge || length > 0 && body.n > 0 || body.n > 8<<20+1 {
			t.Errorf("length %d: %d after %d bytes", length, w.Code, body.n)
		}
	}
	small := newEndpoint(t, apikeytest.New(t, nil), newGitHub(t, signer), leak.GitHubOptions{MaxBody: 10})
	for body, status := range map[string]int{"[        ]": 200, "[         ]": http.StatusRequestEntityTooLarge} {
		if w := call(t, small, signer, body); w.Code != status {
			t.Errorf("%q: %d", body, w.Code)
		}
	}
}

// A body that breaks off is not judged.
func TestGitHubCutOff(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	_, text := keys.Create(t, apikey.CreateParams{})
	body := message(t, findsOf(text)...)
	r := request(t, signer, body)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), brokenOff{}))
	if w := serve(h, r); w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantAlive(t, keys, text)
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
