//go:build unix

package boltstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestMode: 0600, whatever the umask. Not parallel: the umask is the process's.
func TestMode(t *testing.T) {
	for _, umask := range []int{0, 0o022, 0o077, 0o777} {
		path := filepath.Join(t.TempDir(), "keys.db")
		old := syscall.Umask(umask)
		s, err := boltstore.Open(path, nil)
		syscall.Umask(old)
		if err != nil {
			t.Fatalf("umask %o: %v", umask, err)
		}
		defer s.Close()
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("umask %o: the mode is %v, %v", umask, info.Mode(), err)
		}
	}
}

// TestModeStays: whoever gave an existing file another mode had a reason.
func TestModeStays(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	open(t, path, nil)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestOpenPipe: opening a pipe for reading would wait for a writer for ever.
func TestOpenPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		_, err := boltstore.Open(path, &boltstore.Options{ReadOnly: readOnly})
		if err == nil || !strings.Contains(err.Error(), "regular file") {
			t.Errorf("the error is %v", err)
		}
	}
}
