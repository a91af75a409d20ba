package boltstore

import (
	"bytes"
	"errors"
	"os"

	"go.etcd.io/bbolt"
)

// Check runs bbolt's own check of the whole file.
func Check(s *Store) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// CheckBytes checks a file in memory as Open does.
func CheckBytes(file []byte) error {
	unsealed, err := checkPages(bytes.NewReader(file), int64(len(file)), os.Getpagesize())
	if err == nil && unsealed > 0 {
		err = errSeal
	}
	return err
}

// Used is the length of what counts in the file; behind it bbolt keeps some room.
func Used(s *Store) (n int64) {
	s.db.View(func(tx *bbolt.Tx) error {
		n = tx.Size()
		return nil
	})
	return n
}

// Commits numbers the transactions that were committed.
func Commits(s *Store) int64 { return s.synced.Load() }

// SetMaxSize makes commits fail that need more room, as they do if the disk is full.
func SetMaxSize(s *Store, n int) { s.db.MaxSize = n }

// FailSync makes commits fail in their last step, after they wrote the meta page.
func FailSync(s *Store, cause error) {
	s.syncing = func(tx *bbolt.Tx) error { return errors.Join(tx.Commit(), cause) }
}

// FailCommit makes a commit fail before it writes anything if cause returns an error.
func FailCommit(s *Store, cause func() error) {
	s.syncing = func(tx *bbolt.Tx) error {
		if err := cause(); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
}

// PanicInCommit makes commits panic.
func PanicInCommit(s *Store, value any) {
	s.syncing = func(*bbolt.Tx) error { panic(value) }
}

// SlowCommit makes before run when a transaction's changes are made, and inSync when others
// can see them and the sync is not over.
func SlowCommit(s *Store, before, inSync func()) {
	s.syncing = func(tx *bbolt.Tx) error {
		before()
		err := tx.Commit()
		inSync()
		return err
	}
}

// HoldCommit makes the next commit wait for begin.
func HoldCommit(s *Store, begin chan struct{}) {
	syncing := s.syncing
	s.syncing = func(tx *bbolt.Tx) error {
		<-begin
		return syncing(tx)
	}
}

// Put stores a key as if it had always been there, with a seal that is right or not.
func Put(s *Store, bucket string, key, value []byte, sealed bool) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		s.synced.Store(int64(tx.ID()))
		value := seal(key, value)
		if !sealed {
			value[len(value)-1] ^= 1
		}
		return tx.Bucket([]byte(bucket)).Put(key, value)
	})
}

// MakeBucket puts a bucket where a value should be, which bbolt refuses to overwrite.
func MakeBucket(s *Store, in, name string) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		s.synced.Store(int64(tx.ID()))
		_, err := tx.Bucket([]byte(in)).CreateBucket([]byte(name))
		return err
	})
}

// ForgetSize keeps writes from noticing that the file was cut, until bbolt reads what is gone.
func ForgetSize(s *Store) { s.size = 0 }

// CreateFile is what Open calls if there is no file.
func CreateFile(path string) error { return create(path) }
