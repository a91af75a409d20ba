package examples_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// What the second process does not start with.
func resourceRefusedStart(t *testing.T, x programs) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"help", []string{"-h"}, 0, "-issuer"},
		{"no such flag", []string{"-db", "keys.db"}, 2, "-db"},
		{"argument", []string{"8081"}, 2, "no other arguments"},
		{"empty address", []string{"-addr", ""}, 1, "-addr is empty"},
		{"port in use", []string{"-addr", taken.Addr().String()}, 1, "in use"},
		{"no issuer", []string{"-issuer", ""}, 1, "-issuer"},
		{"issuer with a slash at its end", []string{"-issuer", "http://127.0.0.1:8080/"}, 1, "-issuer"},
		{"http across a network", []string{"-issuer", "http://auth.example.com"}, 1, "use https"},
		{"audience with a blank", []string{"-audience", "a b"}, 1, "-audience"},
		{"refresh too short", []string{"-refresh", "1ms"}, 1, "-refresh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := ended(t, x.resource, nil, c.args...)
			if code != c.code || !strings.Contains(stderr, c.says) || stdout != "" {
				t.Errorf("code %d, want %d, and %q in %q; printed %q", code, c.code, c.says, stderr, stdout)
			}
		})
	}
}

// Control-C ends it as well as a supervisor does, also while it asks a service that is not there.
func resourceInterrupt(t *testing.T, x programs) {
	s := x.startServer(t)
	token := exchange(t, s.URL, create(t, s, "deploy"), nil)
	s.stop(t)
	r := x.startResource(t, s.URL)
	call(t, "GET", r.URL+"/whoami", token, "", http.StatusServiceUnavailable)
	r.signal(t, os.Interrupt)
	if rest, err := r.wait(); err != nil || rest != "" {
		t.Errorf("%v, printed %q\n%s", err, rest, &r.logged)
	}
}

// What the README does with curl and tokens, in the shell of its first block, gets the answers that it says.
func tokensCurl(t *testing.T, x programs) {
	needCurl(t)
	s := x.startServer(t)
	r := x.startResource(t, s.URL)
	before, _, _ := strings.Cut(block(t, "sh", 1), "made=")
	script := strings.NewReplacer("http://127.0.0.1:8080", s.URL, "http://127.0.0.1:8081", r.URL).Replace(before + block(t, "sh", 2))
	run := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	run.Env = append(os.Environ(), "APIKEY_ADMIN_TOKEN="+s.Token, "no_proxy=127.0.0.1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `(?s)^\{"id":"ak_[0-9a-f]{32}","subject":"` + user + `","name":"","scopes":\["read"\],"claims":null\}
 200
\{"id":"ak_[0-9a-f]{32}","subject":"` + user + `","scopes":\["read"\],"claims":null\}
 200
\{[^\n]*"scope":"admin"\}
 403
\{[^\n]*"revoked":true,[^\n]*\} 200
\{[^\n]*"detail":"The API key is not valid\."\}
 401
\{[^\n]*"detail":"The API key is not valid\."\}
 401
$`
	if !regexp.MustCompile(want).Match(out) {
		t.Errorf("printed\n%s\nwant\n%s", out, want)
	}
}
