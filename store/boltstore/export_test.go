package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"sync/atomic"

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

// Entry reads an entry of the log of changes, whose checksum is made right, and returns it as it would be written.
func Entry(key, value []byte) (k, v []byte, err error) {
	e, err := decodeEntry(pair{key, seal(key, value)})
	return e.key(), e.value(), err
}

// CheckBytes checks a file in memory as Open does.
func CheckBytes(file []byte) error {
	unsealed, err := checkPages(bytes.NewReader(file), int64(len(file)), os.Getpagesize())
	if err == nil && unsealed > 0 {
		err = errSeal
	}
	return err
}

// CheckBranches checks a file in memory as Open does a large one before it returns.
func CheckBranches(file []byte) error {
	_, _, err := checkBranches(bytes.NewReader(file), int64(len(file)), os.Getpagesize())
	return err
}

// CheckBytesSparsely checks a file in memory as Open does a large one: the branches, and then
// the leaves. It returns how many there were of these.
func CheckBytesSparsely(file []byte) (n int, err error) {
	unsealed, l, err := checkBranches(bytes.NewReader(file), int64(len(file)), os.Getpagesize())
	if err == nil && unsealed > 0 {
		err = errSeal
	}
	if err != nil {
		return 0, err
	}
	l = l.in(bytes.NewReader(file), func(error) {})
	n = l.left()
	p := &pages{file: l.file, size: l.size}
	root, _, err := p.meta()
	if err != nil {
		return 0, err
	}
	p.seen = make([]uint64, p.count/64+1)
	p.waiting = make([]atomic.Uint64, len(p.seen))
	var top level
	if err := p.load(root, &top.page); err != nil {
		return 0, err
	}
	elements, _ := parse(top.page, nil, nil, nil)
	for _, e := range elements {
		if !e.bucket {
			continue
		}
		for from, more := []byte(nil), true; more; more = from != nil {
			if from, err = l.sweep(native.Uint64(e.value), from, func() bool { return false }); err != nil {
				return n, err
			}
		}
	}
	if left := l.left(); left > 0 {
		return n, fmt.Errorf("%d leaves were left out", left)
	}
	return n, nil
}

func (l *leaves) left() (n int) {
	for i := range l.waiting {
		n += bits.OnesCount64(l.waiting[i].Load())
	}
	return n
}

// OpenSparsely opens a file as Open does a large one, but that the leaves which nobody reads
// stay unchecked until Sweep.
func OpenSparsely(path string, opts *Options) (*Store, error) {
	return open(path, opts, opening{})
}

// OpenMeanwhile does the same, and calls f when it has let go of the file for a moment.
func OpenMeanwhile(path string, f func()) (*Store, error) {
	return open(path, nil, opening{meanwhile: f})
}

// OpenLarge opens a file as Open does a large one.
func OpenLarge(path string, opts *Options) (*Store, error) {
	s, err := open(path, opts, opening{})
	if err == nil {
		s.start()
	}
	return s, err
}

// OpenUpgrading opens a file, as a large one or not, with a function of its own that commits the
// upgrade of an older format.
func OpenUpgrading(path string, large bool, commit func(*bbolt.Tx) error) (*Store, error) {
	how := opening{wholeUpTo: usualWhole, upgrading: commit}
	if large {
		how.wholeUpTo = 0
	}
	return open(path, nil, how)
}

// AscendLog walks over the log of changes from its beginning.
func AscendLog(s *Store) (n int, err error) {
	tx, err := s.begin(false)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	for _, err := range tx.bucket(bucketChanges).ascending() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// LogLength counts the entries of the log of changes.
func LogLength(s *Store) (n int) {
	s.db.View(func(tx *bbolt.Tx) error {
		n = tx.Bucket(bucketChanges).Stats().KeyN
		return nil
	})
	return n
}

// Sweep checks the leaves that wait, as goes on after Open, and returns how many still do in the
// end, and whether the store has forgotten about them.
func Sweep(s *Store) (left int, forgotten bool) {
	l := s.leaves.Load()
	s.start()
	s.sweeping.Wait()
	return l.left(), s.leaves.Load() == nil
}

// Swept returns when that is over which goes on after Open.
func Swept(s *Store) { s.sweeping.Wait() }

// Unchecked lists the pages that wait.
func Unchecked(s *Store) (pages []uint64) {
	l := s.leaves.Load()
	if l == nil {
		return nil
	}
	for id := range l.count {
		if l.waits(id) {
			pages = append(pages, id)
		}
	}
	return pages
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

// SweepWhenClosed returns how many leaves wait after the store was told to check them when it is
// closed already.
func SweepWhenClosed(s *Store) int {
	l := s.leaves.Load()
	s.db.View(func(tx *bbolt.Tx) error {
		_, err := l.sweep(uint64(tx.Bucket(bucketRecords).Root()), nil, func() bool { return true })
		return err
	})
	return l.left()
}

// Children are the pages that branches of a sound file lead to.
func Children(file []byte) map[uint64]bool {
	all := make(map[uint64]bool)
	p := &pages{file: bytes.NewReader(file), size: os.Getpagesize()}
	root, _, _ := p.meta()
	var walk func(root uint64)
	walk = func(id uint64) {
		page := file[int(id)*p.size:]
		page = page[:p.size*int(1+native.Uint32(page[12:]))]
		elements, _ := parse(page, nil, nil, nil)
		for _, e := range elements {
			switch {
			case native.Uint16(page[8:]) == flagBranch:
				all[e.child] = true
				walk(e.child)
			case e.bucket && native.Uint64(e.value) != 0:
				walk(native.Uint64(e.value))
			}
		}
	}
	walk(root)
	return all
}
