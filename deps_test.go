package apikey_test

import (
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-d3a9fb6b/apikey"

// run runs the go tool in dir.
func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if dir != "." { // a module that was just made
		cmd.Env = append(cmd.Env, "GOFLAGS=-mod=mod")
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return errs.String(), err
	}
	return string(out), nil
}

// Who imports this package gets argon2 and nothing else: no store, no HTTP, no JOSE.
func TestDependencies(t *testing.T) {
	t.Parallel()
	out, err := run(t, ".", "list", "-deps", "-f", "{{.Standard}} {{.ImportPath}}", ".")
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	var deps []string
	for line := range strings.Lines(out) {
		standard, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		deps = append(deps, path)
		if standard == "true" {
			continue
		}
		if path != module && path != module+"/hash" && !strings.HasPrefix(path, "golang.org/x/crypto/") && !strings.HasPrefix(path, "golang.org/x/sys/") {
			t.Errorf("it depends on %s", path)
		}
	}
	for _, path := range []string{"net", "net/http", "database/sql", "os/exec", "testing"} {
		if slices.Contains(deps, path) {
			t.Errorf("it depends on %s", path)
		}
	}
	if !slices.Contains(deps, "golang.org/x/crypto/argon2") || !slices.Contains(deps, "crypto/rand") {
		t.Errorf("control: argon2 and crypto/rand are not in the list\n%s", out)
	}
}

// Secrets come from crypto/rand and from nowhere else, in all of the module. What is for tests
// alone may roll other dice.
func TestNoWeakRandomness(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			name := entry.Name()
			if slices.Contains([]string{"testdata", "storetest", "modeltest", "crash", "soak", "timing", "dudect", "benchmarks"}, name) || name != "." && strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			if name, err := strconv.Unquote(spec.Path.Value); err != nil || strings.HasPrefix(name, "math/rand") {
				t.Errorf("%s imports %s", path, spec.Path.Value)
			}
		}
		return nil
	})
	if err != nil || files < 20 {
		t.Errorf("%d files, %v", files, err)
	}
}

// A program that needs this package alone has few modules to trust: a dozen lines of go.sum, and
// none for what only stores, transports and tests need.
func TestUsersGoSum(t *testing.T) {
	t.Parallel()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example.com/user\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + strconv.Quote(here) + "\n",
		"main.go": "package main\n\nimport \"" + module + "\"\n\nfunc main() { apikey.NewIssuer(nil, nil) }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := run(t, dir, "mod", "tidy"); err != nil {
		if os.Getenv("APIKEY_REQUIRE_NETWORK") == "" && offline(out) {
			t.Skipf("SKIPPED: no network, and a module is not in the cache; APIKEY_REQUIRE_NETWORK=1 makes this a failure\n%s", out)
		}
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
	if out, err := run(t, dir, "build", "-o", os.DevNull, "."); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(sum), "\n"); n == 0 || n > 12 {
		t.Errorf("%d lines of go.sum:\n%s", n, sum)
	}
	for _, name := range []string{"pgx", "porcupine", "rapid", "goleak", "go-jose", "testify"} {
		if strings.Contains(string(sum), name) {
			t.Errorf("%s is in go.sum:\n%s", name, sum)
		}
	}
}

// offline tells a download that could not be tried from a go.mod that is wrong.
func offline(output string) bool {
	for _, sign := range []string{"dial tcp", "no such host", "connection refused", "i/o timeout", "TLS handshake", "module lookup disabled", "proxyconnect"} {
		if strings.Contains(output, sign) {
			return true
		}
	}
	return false
}
