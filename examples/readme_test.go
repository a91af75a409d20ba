package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block returns the n-th block of code of a language in the README.
func block(t *testing.T, language string, n int) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := string(readme)
	for range n {
		_, code, _ = strings.Cut(code, "```"+language+"\n")
	}
	code, _, found := strings.Cut(code, "```")
	if !found {
		t.Fatalf("the README has no %d blocks of %s", n, language)
	}
	return code
}

// needCurl skips the test where there is no curl.
func needCurl(t *testing.T) {
	t.Helper()
	for _, name := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(name); err == nil {
			continue
		} else if os.Getenv("APIKEY_REQUIRE_CURL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("SKIPPED: no %s: apt-get install %s; APIKEY_REQUIRE_CURL=1 makes this a failure", name, name)
	}
}

// What the README does with curl gets the answers that it says.
func curl(t *testing.T, binary string) {
	needCurl(t)
	p := startAdmin(t, binary, filepath.Join(t.TempDir(), "keys.db"))
	const url = "url=http://127.0.0.1:8080\n"
	code := block(t, "sh", 1)
	if !strings.HasPrefix(code, url) {
		t.Fatalf("it begins with %.30q", code)
	}
	run := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", "url="+p.URL+"\n"+strings.TrimPrefix(code, url))
	run.Env = append(os.Environ(), "APIKEY_ADMIN_TOKEN="+p.Token, "no_proxy=127.0.0.1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `(?s)^\{"id":"ak_[0-9a-f]{32}","subject":"` + user + `","name":"deploy","scopes":\["read"\],"claims":null\}
 200
\{[^\n]*"scope":"admin"\}
 403
\{[^\n]*"revoked":true,"revocation_reason":"leaked",[^\n]*\} 200
\{[^\n]*"detail":"The API key is not valid\."\}
 401
$`
	if !regexp.MustCompile(want).Match(out) {
		t.Errorf("printed\n%s\nwant\n%s", out, want)
	}
}
