package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// create puts a new file at path, whole or not at all: bbolt can't open a file in which it was
// stopped while it wrote the first pages, so they are written and synced under another name.
//
// The file gets its name by a link, which fails if the name is taken. A rename would not, and
// would take away the file, and the keys in it, of a process that was faster. The slower one
// opens that file.
//
// A process that is killed in here leaves the other name behind: before the link, of a file of
// some pages without keys; after it, a second name of the file that is in use from then on. Open
// removes a second name.
func create(path string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+newInfix+"*")
	if err != nil {
		return err
	}
	defer func() {
		// Who has opened the file since the link may have been faster.
		if removeErr := os.Remove(temp.Name()); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
	}()
	// CreateTemp has asked for this mode, but a umask may have taken bits away.
	err = errors.Join(temp.Chmod(0o600), temp.Close())
	if err != nil {
		return err
	}
	s, err := openBolt(temp.Name(), time.Second, false)
	if err != nil {
		return err
	}
	if err := errors.Join(s.prepare(), s.file.Sync(), s.db.Close(), syncFolder(temp.Name())); err != nil {
		return err
	}
	err = os.Link(temp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create the file: %w", err)
	}
	return syncFolder(path)
}

// newInfix follows the file's name in that of a file that is being created.
const newInfix = ".new-"

// settleName makes the name of an open file durable, as far as it can be, and its only one.
func (s *Store) settleName() error {
	err := syncFolder(s.path)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) {
		// Who created the file could sync the folder; that this process may not read it, or that
		// the file system can't, is no reason to refuse a file with keys in it.
		err = nil
	}
	if err != nil {
		return err
	}
	self, err := s.file.Stat()
	if err != nil {
		return err
	}
	folder := filepath.Dir(s.path)
	entries, _ := os.ReadDir(folder) // a second name does no harm
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "."+filepath.Base(s.path)+newInfix) {
			continue
		}
		name := filepath.Join(folder, entry.Name())
		if info, err := os.Lstat(name); err == nil && os.SameFile(info, self) {
			os.Remove(name)
		}
	}
	return nil
}

// syncFolder makes the name of a file durable. Windows has nothing like it.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
