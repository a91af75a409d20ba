package boltstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// create puts a new file at path, whole or not at all: bbolt can't open a file in which it was
// stopped while it wrote the first pages, so they are written and synced under another name.
//
// The file gets its name by a link, which fails if the name is taken. A rename would not, and
// would take away the file, and the keys in it, of a process that was faster. The slower one
// opens that file.
//
// A process that is killed in here leaves a temporary file of some pages behind, without keys.
func create(path string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	// CreateTemp has asked for this mode, but a umask may have taken bits away.
	err = errors.Join(temp.Chmod(0o600), temp.Close())
	if err != nil {
		return err
	}
	s, err := openBolt(temp.Name(), time.Second, false)
	if err != nil {
		return err
	}
	if err := errors.Join(s.adopt(), s.file.Sync(), s.db.Close()); err != nil {
		return err
	}
	err = os.Link(temp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create the file: %w", err)
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
