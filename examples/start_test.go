package examples_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ended runs the server where it is not going to listen.
func ended(t *testing.T, binary string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := command(t, binary, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// What it does not start with: it says why, and repeats nothing that may be a secret.
func refusedStart(t *testing.T, binary string) {
	folder := t.TempDir()
	db := filepath.Join(folder, "keys.db")
	empty := filepath.Join(folder, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	const secret = "TopSecretTopSecretTopSecretTopSecretTopSecr"
	key := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	good := "APIKEY_ADMIN_TOKEN=" + adminToken
	at := []string{"-addr", "127.0.0.1:0", "-db", db}
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		says string
	}{
		{"help", nil, []string{"-h"}, 0, "-addr"},
		{"no such flag", nil, []string{"-token", secret}, 2, "-token"},
		{"flag without a value", nil, []string{"-addr"}, 2, "-addr"},
		{"argument", nil, []string{secret}, 2, "no other arguments"},
		{"empty address", []string{good}, []string{"-addr", "", "-db", db}, 1, "-addr is empty"},
		{"no port", []string{good}, []string{"-addr", "127.0.0.1", "-db", db}, 1, "missing port"},
		{"port too high", []string{good}, []string{"-addr", "127.0.0.1:99999", "-db", db}, 1, "invalid port"},
		{"port in use", nil, []string{"-addr", taken.Addr().String(), "-db", db}, 1, "in use"},
		{"no such folder", []string{good}, []string{"-addr", "127.0.0.1:0", "-db", filepath.Join(folder, "none", "keys.db")}, 1, "no such file"},
		{"file is a folder", []string{good}, []string{"-addr", "127.0.0.1:0", "-db", folder}, 1, folder},
		{"file of no bytes", []string{good}, []string{"-addr", "127.0.0.1:0", "-db", empty}, 1, empty},
		{"token of nothing", []string{"APIKEY_ADMIN_TOKEN="}, at, 1, "APIKEY_ADMIN_TOKEN is set, but empty"},
		{"token of blanks", []string{"APIKEY_ADMIN_TOKEN= \t\n"}, at, 1, "APIKEY_ADMIN_TOKEN is set, but empty"},
		{"token too short", []string{"APIKEY_ADMIN_TOKEN=" + secret[:19]}, at, 1, "APIKEY_ADMIN_TOKEN: "},
		{"token of two words", []string{"APIKEY_ADMIN_TOKEN=" + secret + " " + secret}, at, 1, "APIKEY_ADMIN_TOKEN: "},
		{"token too long", []string{"APIKEY_ADMIN_TOKEN=" + strings.Repeat(secret, 100)}, at, 1, "APIKEY_ADMIN_TOKEN: "},
		{"keyring of nothing", []string{good, "APIKEY_KEYRING="}, at, 1, "APIKEY_KEYRING: "},
		{"keyring of no base64", []string{good, "APIKEY_KEYRING=" + secret + "*"}, at, 1, "APIKEY_KEYRING: "},
		{"keyring too short", []string{good, "APIKEY_KEYRING=" + secret[:40]}, at, 1, "APIKEY_KEYRING: "},
		{"issuer of nothing but a name", []string{good}, slices.Concat(at, []string{"-issuer", "auth"}), 1, "-issuer"},
		{"issuer with a slash at its end", []string{good}, slices.Concat(at, []string{"-issuer", "https://auth.example.com/"}), 1, "-issuer"},
		{"audience of nothing", []string{good}, slices.Concat(at, []string{"-audiences", "https://api.example.com,"}), 1, "-audiences"},
		{"audience with a blank", []string{good}, slices.Concat(at, []string{"-audiences", "a, b"}), 1, "-audiences"},
		{"one key twice", []string{good, "APIKEY_KEYRING=" + key + "," + key}, at, 1, "APIKEY_KEYRING: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := ended(t, binary, c.env, c.args...)
			if code != c.code || !strings.Contains(stderr, c.says) || stdout != "" {
				t.Errorf("code %d, want %d, and %q in %q; printed %q", code, c.code, c.says, stderr, stdout)
			}
			for _, private := range []string{secret[:20], adminToken, key} {
				if strings.Contains(stderr, private) {
					t.Errorf("it repeats a secret: %q", stderr)
				}
			}
		})
	}
}

// One process has the file.
func busyFile(t *testing.T, binary string) {
	db := filepath.Join(t.TempDir(), "keys.db")
	p := startAdmin(t, binary, db)
	code, stdout, stderr := ended(t, binary, nil, "-addr", "127.0.0.1:0", "-db", db)
	if code != 1 || !strings.Contains(stderr, "in use") || stdout != "" {
		t.Errorf("code %d, %q; printed %q", code, stderr, stdout)
	}
	create(t, p, "undisturbed")
}

var keyring = "APIKEY_KEYRING=" + base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))

// Without a token in the environment it makes one, another one each time. With a line break after it, a token is
// the same; and a keyring saves argon2 after a restart.
func ownToken(t *testing.T, binary string) {
	db := filepath.Join(t.TempDir(), "keys.db")
	p := start(t, binary, db, keyring)
	first := p.Token
	if !p.ownToken || len(first) < 26 {
		t.Errorf("a token of %d characters", len(first))
	}
	key := create(t, p, "first")
	call(t, "GET", p.URL+"/api_keys?subject="+user, adminToken, "", http.StatusUnauthorized)
	if strings.Contains(p.stop(t), first) {
		t.Error("the token is in the log")
	}
	if files, err := os.ReadDir(filepath.Dir(db)); err != nil || len(files) != 1 {
		t.Errorf("beside the keys there are other files: %v, %v", files, err)
	}

	p = start(t, binary, db, keyring)
	if p.Token == first {
		t.Error("the same token twice")
	}
	call(t, "GET", p.URL+"/whoami", key.Secret, "", http.StatusOK)
	if runs := scrape(t, p)["apikey_argon2_runs_total"]; runs != 0 {
		t.Errorf("%d runs of argon2 with a keyring", runs)
	}
	p.stop(t)

	p = start(t, binary, db, "APIKEY_ADMIN_TOKEN="+adminToken+"\n")
	if p.ownToken {
		t.Error("it printed a token although it was given one")
	}
	call(t, "GET", p.URL+"/api_keys?subject="+user, adminToken, "", http.StatusOK)
}
