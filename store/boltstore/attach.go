package boltstore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// attach opens an existing file, in two steps. Opened for reading, bbolt looks at no more than
// the two meta pages, so that the structure can be checked on which it relies from then on:
// for writing it reads the list of free pages at once, and panics if that is wrong.
func attach(path string, o Options) (*Store, error) {
	begun := time.Now()
	s, err := openBolt(path, o.Timeout, true)
	if err != nil {
		return nil, err
	}
	waited := time.Since(begun)
	err = s.check()
	if err == nil && o.ReadOnly {
		return s, nil
	}
	closeErr := s.db.Close()
	if err != nil && (o.ReadOnly || !errors.Is(err, errNew)) {
		return nil, err
	}
	if closeErr != nil {
		return nil, closeErr
	}

	// bbolt takes a timeout of zero for none at all.
	s, err = openBolt(path, max(o.Timeout-waited, 1), false)
	if err != nil {
		return nil, err
	}
	if err := s.adopt(); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// openBolt opens the file, which must exist, and takes the lock.
func openBolt(path string, timeout time.Duration, readOnly bool) (*Store, error) {
	s := &Store{path: path, readOnly: readOnly}
	panicked, err := guard(func() (err error) {
		s.db, err = bbolt.Open(path, 0, &bbolt.Options{
			Timeout:  timeout,
			ReadOnly: readOnly,
			// The map is meant for larger files. In one of 190 MB with 8,000 gaps of up to 60 records
			// a commit of one record took 0.71 ms with it and 0.15 ms with the array (no syncs in
			// either), and the file grew, where the array used what was free.
			FreelistType: bbolt.FreelistArrayType,
			NoStatistics: true, // nobody reads them, and they cost a lock for each read
			OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
				s.file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
				return s.file, err
			},
		})
		return err
	})
	switch _, isErrno := errors.AsType[syscall.Errno](err); {
	case panicked:
		if s.file != nil { // bbolt has not returned what would close it
			s.file.Close()
		}
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case isErrno: // of opening, locking or mapping the file
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	s.pageSize = s.db.Info().PageSize
	return s, nil
}

// check looks at all that bbolt will rely on.
func (s *Store) check() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	unsealed, err := checkPages(s.file, s.size, s.pageSize)
	if err != nil {
		return err
	}
	if err := s.look(checkFormat); err != nil { // another program's files are not sealed
		return err
	}
	if unsealed > 0 {
		return errSeal
	}
	return nil
}

// adopt makes a file ready that is open for writing. A new one gets its buckets.
func (s *Store) adopt() error {
	// A process that was killed, or whose sync failed, may have left in the operating system's
	// memory what is not on disk. Nobody may see it before it is, and bbolt must not write over
	// pages that the state on disk still needs.
	if err := s.db.Sync(); err != nil {
		return err
	}
	if err := syncFolder(s.path); err != nil { // the same for the file's name
		return err
	}
	err := s.look(checkFormat)
	if errors.Is(err, errNew) {
		if _, err = guard(func() error { return s.db.Update(initialize) }); err == nil {
			err = s.look(checkFormat)
		}
	}
	if err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	return nil
}

// look runs f in a transaction of a store that nobody else has yet.
func (s *Store) look(f func(*bbolt.Tx) error) error {
	_, err := guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			s.synced.Store(int64(tx.ID()))
			return f(tx)
		})
	})
	return err
}
