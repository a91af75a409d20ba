// Package clerkjs_test holds a running examples/server against the real client of Clerk for
// JavaScript: client.mjs is the test.
package clerkjs_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// oldest is the Node.js that the client asks for.
const oldest = 20

func TestClient(t *testing.T) {
	t.Parallel()
	needNode(t)
	folder := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "client.mjs"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	faults := newFaults(t)
	for _, path := range []string{"", "/v1"} {
		server := serverproc.Start(t)
		out := run(t, folder, "node", "client.mjs", server.URL+path, server.Token, faults)
		if !strings.Contains(out, "pass 5\n") || !strings.Contains(out, "fail 0\n") {
			t.Errorf("%s/api_keys: %s", path, out)
		}
	}
}

// needNode skips the test where there is no Node.js that the client runs on.
func needNode(t *testing.T) {
	t.Helper()
	version, err := exec.CommandContext(t.Context(), "node", "-p", "parseInt(process.versions.node)").Output()
	major, _ := strconv.Atoi(strings.TrimSpace(string(version)))
	if err == nil && major >= oldest {
		_, err = exec.LookPath("npm")
	} else if err == nil {
		err = errors.New("it is older")
	}
	switch {
	case err == nil:
	case os.Getenv("APIKEY_REQUIRE_NODE") == "1":
		t.Fatalf("no Node.js %d with npm: %v", oldest, err)
	default:
		t.Skipf("SKIPPED: no Node.js %d with npm (%v): apt-get install nodejs npm; APIKEY_REQUIRE_NODE=1 makes this a failure", oldest, err)
	}
}

// run runs a command in a folder and returns what it prints.
func run(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CLERK_TELEMETRY_DISABLED=1", "NODE_ENV=production", "FORCE_COLOR=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// newFaults starts a server that answers each token with the error it is named after.
func newFaults(t *testing.T) string {
	t.Helper()
	keys := apikeytest.New(t, nil)
	api, err := httpapi.New(keys.Issuer, keys.Verifier, &httpapi.Options{
		Authorize: func(r *http.Request) (httpapi.Caller, error) {
			switch r.Header.Get("Authorization") {
			case "Bearer limited":
				return httpapi.Caller{}, &httpapi.Error{Status: http.StatusTooManyRequests, RetryAfter: 7 * time.Second}
			case "Bearer down":
				return httpapi.Caller{}, apikey.ErrUnavailable
			case "Bearer off":
				return httpapi.Caller{}, &httpapi.Error{Status: http.StatusForbidden}
			case "Bearer full":
				return httpapi.Caller{All: true}, nil
			}
			return httpapi.Caller{}, errors.New("no such token")
		},
		Quota: func(context.Context, string) error { return errors.New("full") },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return server.URL
}
