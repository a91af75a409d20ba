//go:build unix

package boltstore_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestCVE_2021_38553_Mode: 0600, whatever the umask. Not parallel: the umask is the process's.
func TestCVE_2021_38553_Mode(t *testing.T) {
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

// TestBackupReadOnly: it needs nothing of the folder.
func TestBackupReadOnly(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "keys.db")
	s := open(t, path, nil)
	create(t, s, 0, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s = open(t, path, &boltstore.Options{ReadOnly: true})
	if err := os.Rename(folder, folder+" of before"); err != nil {
		t.Fatal(err)
	}
	if got := backup(t, s); !bytes.Equal(got, want) {
		t.Error("the copy is not the file")
	}
	_, err = s.Backup(writerFunc(func(p []byte) (int, error) { return len(p), s.Close() }))
	if err != nil && !errors.Is(err, boltstore.ErrClosed) {
		t.Errorf("Backup of a store that is closed meanwhile answered %v", err)
	}
}

// TestFolderUnreadable: a folder that this user may not read is no reason to refuse the file.
func TestFolderUnreadable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 { // root may read every folder
		asNobody(t, "^TestFolderUnreadable$")
		return
	}
	s, path := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(path)
	if err := os.Chmod(folder, 0o311); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(folder, 0o700)
	create(t, open(t, path, nil), 0, 3)
	missing := filepath.Join(folder, "new.db")
	if _, err := boltstore.Open(missing, nil); !errors.Is(err, os.ErrPermission) {
		t.Errorf("creating a file whose name can't be made durable: %v", err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("and it is there: %v", err)
	}
}

// asNobody runs tests in a process without privileges.
func asNobody(t *testing.T, tests string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "boltstore") // t.TempDir is in a folder that only root may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(folder, "tests")
	if err := errors.Join(os.Chmod(folder, 0o777), os.WriteFile(copied, binary, 0o755), os.Chmod(copied, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), copied, "-test.v", "-test.run", tests)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "TMPDIR="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
}

// TestSecondName: what a process leaves that is killed just after it gave the file its name.
func TestSecondName(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(filepath.Dir(path), ".keys.db.new-1")
	other := filepath.Join(filepath.Dir(path), ".keys.db.new-2") // another process may be creating it
	if err := errors.Join(os.Link(path, second), os.WriteFile(other, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	open(t, path, nil)
	if _, err := os.Stat(second); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the second name: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another file: %v", err)
	}
}
