package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Backup writes a copy of the file to w, as it is at one moment after the call began, and
// returns the bytes written. Put in the file's place, or anywhere else, the copy opens with
// [Open]. The store can be used meanwhile.
//
// The copy goes to a temporary file in the same folder first, is checked as a whole, and
// goes from there to w: a transaction that lasted as long as a slow w takes would stop the
// writers. So there must be room for it. With [Options].ReadOnly, where nobody can write, the
// file itself is checked and copied. If the store is closed meanwhile, that ends with ErrClosed.
func (s *Store) Backup(w io.Writer) (n int64, err error) {
	if err := s.admit(context.Background(), false); err != nil {
		return 0, err
	}
	if s.readOnly {
		n, err := s.copyFile(w)
		if err != nil && s.closed.Load() {
			err = ErrClosed
		}
		if err != nil {
			return n, fmt.Errorf("boltstore: backup: %w", err)
		}
		return n, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(s.path), "."+filepath.Base(s.path)+".backup-*")
	if err != nil {
		return 0, fmt.Errorf("boltstore: backup: %w", err)
	}
	// Where an open file can be removed, a process that is killed leaves nothing behind.
	removed := os.Remove(temp.Name()) == nil
	defer func() {
		temp.Close()
		if !removed {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	var size int64
	err = s.read(context.Background(), func(tx transaction) (err error) {
		size, err = tx.WriteTo(temp)
		return err
	})
	if err == nil {
		err = s.checkCopy(temp, size)
	}
	if err == nil {
		_, err = temp.Seek(0, io.SeekStart)
	}
	if err == nil {
		n, err = io.Copy(w, temp)
	}
	if err != nil {
		return n, fmt.Errorf("boltstore: backup: %w", err)
	}
	return n, nil
}

// copyFile writes the file to w as it is.
func (s *Store) copyFile(w io.Writer) (int64, error) {
	info, err := s.file.Stat()
	if err != nil {
		return 0, err
	}
	if err := s.checkCopy(s.file, info.Size()); err != nil {
		return 0, err
	}
	return io.Copy(w, io.NewSectionReader(s.file, 0, info.Size()))
}

// checkCopy checks what is to be copied, or was, with all its leaves.
func (s *Store) checkCopy(file io.ReaderAt, size int64) error {
	unsealed, err := checkPages(file, size, s.pageSize)
	if err == nil && unsealed > 0 {
		err = errSeal
	}
	return err
}
