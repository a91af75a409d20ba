package boltstore

import (
	"errors"
	"fmt"
	"os"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// opening is what Open does not let its caller choose.
type opening struct {
	// wholeUpTo is the length up to which all of a file is read and checked at once. Of a larger
	// one it is what leads to the leaves; see branches.go.
	wholeUpTo int64
	meanwhile func()                // called when the file was checked and nobody holds it; nil: nothing is to be done
	upgrading func(*bbolt.Tx) error // commits the upgrade of an older format; nil: (*bbolt.Tx).Commit
}

// usualWhole takes a quarter of a second, and then nothing is left to be done later.
const usualWhole = 512 << 20

// attach opens an existing file, in two steps. Opened for reading, bbolt looks at no more than
// the two meta pages, so that the structure can be checked on which it relies from then on:
// for writing it reads the list of free pages at once, and panics if that is wrong.
func attach(path string, o Options, how opening) (*Store, error) {
	begun := time.Now()
	for timeout := o.Timeout; ; timeout = max(o.Timeout-time.Since(begun), 1) { // bbolt takes zero for no timeout at all
		checked, err := openBolt(path, timeout, true)
		if err != nil {
			return nil, err
		}
		waited := time.Since(begun)
		err = checked.check(how.wholeUpTo)
		was, statErr := checked.file.Stat()
		err = errors.Join(err, statErr)
		if err == nil && o.ReadOnly {
			return checked, nil
		}
		closeErr := checked.db.Close()
		if err != nil && (o.ReadOnly || !errors.Is(err, errNew)) {
			return nil, err
		}
		if closeErr != nil {
			return nil, closeErr
		}
		if how.meanwhile != nil {
			how.meanwhile()
		}

		s, err := openBolt(path, max(o.Timeout-waited, 1), false)
		if err != nil {
			return nil, err
		}
		err = s.viewAlone(func(transaction) error { return nil })
		is, statErr := s.file.Stat()
		err = errors.Join(err, statErr)
		if err == nil && (s.synced.Load() != checked.synced.Load() || !os.SameFile(was, is)) {
			// Between the two another process has written, or somebody has put another file in
			// the place of this one, a backup say. What was checked is no more.
			if err := s.db.Close(); err != nil {
				return nil, err
			}
			continue
		}
		if l := checked.leaves.Load(); l != nil {
			s.leaves.Store(l.in(s.file, s.condemn))
		}
		if how.upgrading != nil {
			s.syncing = how.upgrading
		}
		if err := errors.Join(err, s.prepare(), s.settleName()); err != nil {
			return nil, errors.Join(err, s.db.Close())
		}
		return s, nil
	}
}

// openBolt opens the file, which must exist, and takes the lock.
func openBolt(path string, timeout time.Duration, readOnly bool) (*Store, error) {
	s := &Store{path: path, readOnly: readOnly, syncing: (*bbolt.Tx).Commit}
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
	switch {
	case panicked:
		if s.file != nil { // bbolt has not returned what would close it
			s.file.Close()
		}
		return nil, err
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrVersionMismatch), errors.Is(err, bolterrors.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		// bbolt has no name for this one.
		if info, statErr := os.Stat(path); statErr == nil && info.Size() < 2*int64(os.Getpagesize()) {
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return nil, err // of opening, locking or mapping the file
	}
	s.pageSize = s.db.Info().PageSize
	return s, nil
}

// check looks at all that bbolt will rely on, but for the leaves of a file that is longer than
// wholeUpTo.
func (s *Store) check(wholeUpTo int64) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	unsealed, whole := 0, s.size <= wholeUpTo
	if !whole {
		var later *leaves
		unsealed, later, err = checkBranches(s.file, s.size, s.pageSize)
		if err == nil {
			s.leaves.Store(later.in(s.file, s.condemn))
		}
		// Buckets that are in leaves lead to pages that no branch leads to. We have none, but
		// another program may. And who reads that the file is damaged can wait for the rest.
		whole = errors.Is(err, ErrCorrupt)
	}
	if whole {
		unsealed, err = checkPages(s.file, s.size, s.pageSize)
	}
	noFreelist := errors.Is(err, errNoFreelist) // which is no damage, and less telling than the format
	if err != nil && !noFreelist {
		return err
	}
	err = s.viewAlone(checkFormat)
	switch {
	case noFreelist && (err == nil || errors.Is(err, errNew)):
		return errNoFreelist
	case err != nil: // another program's files are not sealed
		return err
	case unsealed > 0:
		return errSeal
	}
	return nil
}

// prepare makes a file ready that is open for writing. A new one gets its buckets, and one of an
// older format what it lacks.
func (s *Store) prepare() error {
	if err := s.syncMeta(); err != nil {
		return err
	}
	err := s.viewAlone(checkFormat)
	if errors.Is(err, errNew) {
		if _, err = guard(func() error { return s.db.Update(initialize) }); err == nil {
			err = s.viewAlone(checkFormat)
		}
	}
	if err != nil {
		return err
	}
	old := false
	err = s.viewAlone(func(tx transaction) error { old = !hasLog(tx); return nil })
	if err == nil && old {
		if err = s.upgrade(); err == nil {
			err = s.viewAlone(checkFormat)
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

// syncMeta sees to it that the newest transaction is on disk. A process that was killed, or
// whose last sync failed, may have left its meta page in the operating system's memory alone.
// Nobody may act on it before it is on disk, and bbolt must not write over pages that the state
// on disk still needs.
//
// After a sync that failed, Linux takes the page for written, and the next sync writes nothing
// and succeeds. So the page is written again. The other meta page is left alone, to be there
// should the power fail now. The pages that the transaction needs were synced before its meta
// page was written; those of a commit that failed earlier belong to none, and are written anew
// before one uses them. What remains is a disk that says it has written what it has not.
func (s *Store) syncMeta() error {
	var id int64
	if err := s.viewAlone(func(tx transaction) error { id = int64(tx.ID()); return nil }); err != nil {
		return err
	}
	page, at := make([]byte, s.pageSize), id%2*int64(s.pageSize) // bbolt takes the two in turn
	if _, err := s.file.ReadAt(page, at); err != nil {
		return err
	}
	if _, err := s.file.WriteAt(page, at); err != nil {
		return err
	}
	return s.db.Sync()
}

// viewAlone runs f in a transaction of a store that nobody else has yet.
func (s *Store) viewAlone(f func(transaction) error) error {
	_, err := guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			s.synced.Store(int64(tx.ID()))
			return f(transaction{tx, s.leaves.Load()})
		})
	})
	return err
}
