package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const adminToken = "token-of-the-operators"

// build builds an example, with the race detector if the test has it.
func build(t *testing.T, example string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), example)
	args := slices.Concat([]string{"build"}, buildFlags, []string{"-o", binary, "./" + example})
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go %q: %v\n%s", args, err, out)
	}
	watch(t, example)
	return binary
}

// watch looks at the folders of all that an example is built from. By what a test looks at, go test tells
// whether an old result still holds; what commands read that it runs is not seen.
func watch(t *testing.T, example string) {
	t.Helper()
	const own = "{{if .Module}}{{if .Module.Main}}{{.Dir}}{{end}}{{end}}"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", own, "./"+example).Output()
	folders := strings.Fields(string(out))
	if err != nil || len(folders) < 4 {
		t.Fatalf("%q, %v", folders, err)
	}
	for _, folder := range folders {
		if _, err := os.ReadDir(folder); err != nil {
			t.Error(err)
		}
	}
}

// command prepares a start of an example. Whatever happens, it is dead after a while.
func command(t *testing.T, binary string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "APIKEY_") })
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// process is a running example.
type process struct {
	URL, Token string
	ownToken   bool // it has made the token
	cmd        *exec.Cmd
	lines      *bufio.Reader
	logged     bytes.Buffer // to be read after wait
	ended      bool
}

// start starts the server on a free port and waits until it listens. It is stopped at the end of the test.
func start(t *testing.T, binary, db string, env ...string) *process {
	t.Helper()
	return launch(t, binary, env, "-db", db)
}

// launch is start with these flags, for any example.
func launch(t *testing.T, binary string, env []string, flags ...string) *process {
	t.Helper()
	p := &process{Token: adminToken, cmd: command(t, binary, env, append(flags, "-addr", "127.0.0.1:0")...)}
	p.cmd.Stderr = &p.logged
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(t) })
	line := p.line(t)
	if token, is := strings.CutPrefix(line, "APIKEY_ADMIN_TOKEN="); is {
		p.Token, p.ownToken = token, true
		line = p.line(t)
	}
	ready := regexp.MustCompile(`^listening on (http://127\.0\.0\.1:[1-9][0-9]*)$`).FindStringSubmatch(line)
	if ready == nil {
		t.Fatalf("the ready line is %q", line)
	}
	p.URL = ready[1]
	return p
}

// startAdmin starts the server with a token that is known.
func startAdmin(t *testing.T, binary, db string) *process {
	t.Helper()
	return start(t, binary, db, "APIKEY_ADMIN_TOKEN="+adminToken)
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		p.ended = true
		t.Fatalf("it ended before it was ready: %v\n%s", p.cmd.Wait(), &p.logged)
	}
	return strings.TrimSuffix(line, "\n")
}

// stop asks it to end, as a supervisor does, and returns what it has logged. It has to end well, and
// to have printed nothing since it was ready.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	if p.ended {
		return p.logged.String()
	}
	p.signal(t, syscall.SIGTERM)
	rest, err := p.wait()
	if err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, tail(p.logged.String()))
	}
	if rest != "" {
		t.Errorf("printed after it was ready:\n%s", rest)
	}
	return p.logged.String()
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// wait waits for the end and returns what was printed meanwhile.
func (p *process) wait() (string, error) {
	p.ended = true
	rest, err := io.ReadAll(p.lines)
	return string(rest), errors.Join(p.cmd.Wait(), err)
}

// tail returns the end of a long log.
func tail(log string) string {
	const enough = 4 << 10
	return log[max(0, len(log)-enough):]
}
