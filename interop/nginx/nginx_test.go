// Package nginx_test puts the real nginx, with auth_request, between clients and an upstream.
package nginx_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// binary finds nginx.
func binary(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("APIKEY_REQUIRE_NGINX") == "1" {
		t.Fatal("no nginx: apt-get install nginx-light")
	}
	t.Skip("SKIPPED: no nginx: apt-get install nginx-light; APIKEY_REQUIRE_NGINX=1 makes this a failure")
	return ""
}

// read returns a file's text.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// start runs nginx.conf for a server that answers /auth, and an upstream, both as host:port. It returns nginx's URL.
func start(t *testing.T, nginx, auth, upstream string) string {
	t.Helper()
	return startWith(t, nginx, read(t, "nginx.conf"), auth, upstream)
}

// startWith runs a configuration that has the words between @ of nginx.conf.
func startWith(t *testing.T, nginx, text, auth, upstream string) string {
	t.Helper()
	folder := t.TempDir()
	address := serverproc.FreeAddress(t)
	filled := strings.NewReplacer("@FOLDER@", folder, "@LISTEN@", address, "@AUTH@", auth, "@UPSTREAM@", upstream).Replace(text)
	conf := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(conf, []byte(filled), 0o600); err != nil {
		t.Fatal(err)
	}

	url := "http://" + address
	ready := func(ctx context.Context) bool { return answers(ctx, url, filepath.Join(folder, "nginx.pid")) }
	// -e: until it has read the file, it would log to where the distribution does.
	serverproc.StartOther(t, ready, nginx, "-p", folder, "-e", "stderr", "-g", "daemon off; master_process off;", "-c", conf)
	return url
}

// answers reports whether nginx has opened its port and answers where it asks nobody.
func answers(ctx context.Context, url, pidFile string) bool {
	if _, err := os.Stat(pidFile); err != nil { // whoever answers is another one
		return false
	}
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusNotFound
}

// deadAddress returns one where nobody listens before the test ends: it is taken, and refuses connections.
func deadAddress(t *testing.T) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(socket)
	t.Cleanup(func() { syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", bound.(*syscall.SockaddrInet4).Port)
}
