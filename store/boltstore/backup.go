package boltstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Backup writes a copy of the file to w, as it is at one moment after the call began, and
// returns the bytes written. Put in the file's place, or anywhere else, the copy opens with
// [Open]. The store can be used meanwhile.
//
// The copy goes to a temporary file in the same folder first, is checked as Open does, and
// goes from there to w: a transaction that lasted as long as a slow w takes would stop the
// writers. So there must be room for it.
func (s *Store) Backup(w io.Writer) (n int64, err error) {
	if err := s.admit(context.Background(), false); err != nil {
		return 0, err
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
	err = s.read(context.Background(), func(tx *bbolt.Tx) (err error) {
		size, err = tx.WriteTo(temp)
		return err
	})
	if err == nil {
		var unsealed int
		if unsealed, err = checkPages(temp, size, s.pageSize); unsealed > 0 {
			err = errSeal
		}
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
