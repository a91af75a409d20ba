package leak_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

func TestGitHubOptions(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	good := signer.pem(t)
	given := func(kid, pem string) leak.GitHubOptions { return leak.GitHubOptions{Keys: map[string]string{kid: pem}} }
	for _, c := range []struct {
		what  string
		o     leak.GitHubOptions
		field string // "": it is good
	}{
		{"none", leak.GitHubOptions{}, ""},
		{"a name", leak.GitHubOptions{By: strings.Repeat("é", 255)}, ""},
		{"a long name", leak.GitHubOptions{By: strings.Repeat("é", 256)}, "By"},
		{"a name with a line end", leak.GitHubOptions{By: "a\nb"}, "By"},
		{"a name in no encoding", leak.GitHubOptions{By: "\xff"}, "By"},
		{"a body of a byte", leak.GitHubOptions{MaxBody: 1}, ""},
		{"a negative body", leak.GitHubOptions{MaxBody: -1}, "MaxBody"},
		{"a key", given(signer.kid, good), ""},
		{"a key without a name", given("", good), "Keys"},
		{"a key with a long name", given(strings.Repeat("a", 129), good), "Keys"},
		{"an empty key", given(signer.kid, ""), "Keys"},
		{"two keys in one", given(signer.kid, good+good), "Keys"},
		{"a broken key and a key", given(signer.kid, "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n"+good), "Keys"},
		{"a broken key and something else", given(signer.kid, "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----\n"+strings.ReplaceAll(good, "PUBLIC", "EC PUBLIC")), "Keys"},
		{"text and a key", given(signer.kid, "x\n"+good), "Keys"},
		{"https", leak.GitHubOptions{KeysURL: "https://example.com/keys"}, ""},
		{"http here", leak.GitHubOptions{KeysURL: "http://127.0.0.1:80/keys"}, ""},
		{"http here, IPv6", leak.GitHubOptions{KeysURL: "http://[::1]/keys"}, ""},
		{"http here, by name", leak.GitHubOptions{KeysURL: "http://localhost/keys"}, ""},
		{"http elsewhere", leak.GitHubOptions{KeysURL: "http://example.com/keys"}, "KeysURL"},
		{"http elsewhere, and so said", leak.GitHubOptions{KeysURL: "http://example.com/keys", InsecureHTTP: true}, ""},
		{"a path", leak.GitHubOptions{KeysURL: "/keys"}, "KeysURL"},
		{"no host", leak.GitHubOptions{KeysURL: "https:///keys"}, "KeysURL"},
		{"a file", leak.GitHubOptions{KeysURL: "file:///keys"}, "KeysURL"},
		{"a password", leak.GitHubOptions{KeysURL: "https://a:b@example.com/"}, "KeysURL"},
		{"a fragment", leak.GitHubOptions{KeysURL: "https://example.com/#a"}, "KeysURL"},
		{"no URL", leak.GitHubOptions{KeysURL: "https://%"}, "KeysURL"},
	} {
		h, err := leak.NewGitHub(keys.Issuer, keys.Verifier, &c.o)
		var wrong *apikey.ValidationError
		if c.field == "" && (err != nil || h == nil) || c.field != "" && (!errors.As(err, &wrong) || wrong.Field != c.field || h != nil) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if h, err := leak.NewGitHub(keys.Issuer, keys.Verifier, nil); h == nil || err != nil {
		t.Errorf("nil options: %v", err)
	}
	for _, c := range []struct {
		i     *apikey.Issuer
		v     *apikey.Verifier
		field string
	}{
		{nil, keys.Verifier, "issuer"}, {keys.Issuer, nil, "verifier"},
		{keys.Issuer.ForSubject("user_1"), keys.Verifier, "issuer"}, {keys.Issuer.ForSubject(""), keys.Verifier, "issuer"},
	} {
		_, err := leak.NewGitHub(c.i, c.v, nil)
		var wrong *apikey.ValidationError
		if !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%v", err)
		}
	}
}

// Options are copied, and the list is asked for in GitHub's way. What went wrong is logged without the URL's query,
// which may be a secret.
func TestGitHubQuestion(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	github := newGitHub(t, signer)
	var asked *http.Request
	github.breaks(func(r *http.Request) (*http.Response, error) { asked = r; return nil, errors.New("down") })
	var log bytes.Buffer
	o := leak.GitHubOptions{KeysURL: "https://example.com/keys?token=s3cr3tpart", Transport: github, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	keys := apikeytest.New(t, nil)
	h, err := leak.NewGitHub(keys.Issuer, keys.Verifier, &o)
	if err != nil {
		t.Fatal(err)
	}
	o.KeysURL, o.MaxBody = "https://example.org/", 1
	w := call(t, h, signer, "[]")
	for range 100 { // which anybody can send
		call(t, h, signer, "[]")
	}
	if strings.Count(log.String(), "level=WARN") != 1 || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("%.500s", &log)
	}
	if asked == nil || asked.URL.String() != "https://example.com/keys?token=s3cr3tpart" || asked.Method != "GET" || asked.Header.Get("Accept") != "application/vnd.github+json" ||
		asked.Header.Get("If-None-Match") != "" {
		t.Errorf("%v", asked)
	}
	if w.Code != 503 || strings.Contains(log.String()+w.Body.String(), "s3cr3t") || !strings.Contains(log.String(), "down") {
		t.Errorf("%d %s, log: %s", w.Code, w.Body, &log)
	}
	// Where nothing is said, it is GitHub that is asked.
	o = leak.GitHubOptions{Transport: github}
	call(t, newEndpoint(t, keys, github, o), signer, "[]")
	if asked.URL.String() != "https://api.github.com/meta/public_keys/secret_scanning" {
		t.Errorf("%v", asked.URL)
	}
}
