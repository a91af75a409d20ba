// Package serverproc runs examples/server and examples/resource, and servers of others, for tests of what they say
// to each other. Run such tests with -count=1: go test remembers results, and does not see that a server outside of
// this module has changed.
package serverproc

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running examples/server.
type Server struct {
	URL   string // http://127.0.0.1:…
	Token string // manages its keys
}

const (
	module = "github.com/seed-d3a9fb6b/apikey"
	token  = "token-of-the-operators"
)

// Start builds the server and starts it on a free port, with no keys and with what env adds to its environment,
// as NAME=value. At the end of the test it is asked to end, and has to end well.
func Start(t testing.TB, env ...string) *Server {
	t.Helper()
	return StartWith(t, nil, env...)
}

// StartWith is Start with more flags.
func StartWith(t testing.TB, flags []string, env ...string) *Server {
	t.Helper()
	flags = append([]string{"-db", filepath.Join(t.TempDir(), "keys.db")}, flags...)
	return &Server{URL: start(t, "server", append([]string{"APIKEY_ADMIN_TOKEN=" + token}, env...), flags), Token: token}
}

// StartResource is Start for examples/resource, which takes the tokens of an issuer. It returns its URL.
func StartResource(t testing.TB, issuer string, flags ...string) string {
	t.Helper()
	return start(t, "resource", nil, append([]string{"-issuer", issuer}, flags...))
}

// start builds an example and starts it on a free port.
func start(t testing.TB, example string, env, flags []string) (url string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), example)
	run(t, root(t), "build", "-o", binary, "./examples/"+example)

	// Whatever happens, it is dead after a while.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "APIKEY_") })
	cmd.Env = append(cmd.Env, env...)
	var logged bytes.Buffer
	cmd.Stderr = &logged
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && ready {
			t.Errorf("the %s ended before the test: %v", example, err)
		}
		rest, _ := io.ReadAll(lines) // until it ends; how it ends is told by Wait
		if err := cmd.Wait(); err != nil || len(rest) > 0 {
			t.Errorf("the %s ended with %v, and printed %q\n%s", example, err, rest, &logged)
		}
	})
	if err != nil || !ready {
		t.Fatalf("the %s is not ready: %q, %v", example, line, err)
	}
	return url
}

// root is the folder of the module that the server is part of.
func root(t testing.TB) string {
	t.Helper()
	return strings.TrimSpace(run(t, ".", "list", "-m", "-f", "{{.Dir}}", module))
}

// run runs the go tool in a folder.
func run(t testing.TB, folder string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = folder
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, &errs)
	}
	return string(out)
}
