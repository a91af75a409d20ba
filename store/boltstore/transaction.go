package boltstore

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// guard runs f and makes ErrCorrupt of a panic. bbolt trusts what it reads: damage is an
// index out of range, a failed assertion, or a fault where the mapped file is shorter than
// it was, which would end the process.
//
// Only what the runtime says is passed on, which is numbers. bbolt's own panics can print a key.
func guard(f func() error) (panicked bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // of this goroutine, and back again
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(runtime.Error); !ok {
				p = "an assertion of bbolt failed"
			}
			panicked, err = true, fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return false, f()
}

// admit is the first thing every call asks.
func (s *Store) admit(ctx context.Context, write bool) error {
	switch {
	case s.closed.Load():
		return ErrClosed
	case write && s.readOnly:
		return ErrReadOnly
	}
	return ctx.Err()
}

// transaction is one of bbolt's in a file of which some leaves may not be checked yet.
type transaction struct {
	*bbolt.Tx
	leaves *leaves // nil: all are checked
}

// begin starts a transaction.
//
// While one begins, bbolt reads the meta pages with its locks held. If that faults, because
// somebody cut the file, the locks stay held for ever. So one transaction begins at a time:
// after such a fault none is waiting for the locks, and none will.
//
// A write looks at the size before: in a file that was cut it would write behind a hole.
func (s *Store) begin(writable bool) (tx transaction, err error) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if s.closed.Load() {
		return tx, ErrClosed
	}
	if s.broken != nil {
		return tx, s.broken
	}
	if writable {
		info, err := s.file.Stat()
		if err != nil {
			if s.closed.Load() {
				return tx, ErrClosed
			}
			return tx, err
		}
		if info.Size() < s.size {
			s.broken = fmt.Errorf("%w: the file was cut while it was open", ErrCorrupt)
			return tx, s.broken
		}
		s.size = info.Size()
	}
	panicked, err := guard(func() (err error) {
		tx.Tx, err = s.db.Begin(writable)
		return err
	})
	if panicked {
		s.broken, s.stuck = err, true
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return tx, ErrClosed
	}
	tx.leaves = s.leaves.Load()
	return tx, err
}

// breakOff lets no further transaction begin.
func (s *Store) breakOff(err error, stuck bool) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	s.broken, s.stuck = err, s.stuck || stuck
}

// read runs f in a read transaction. What f keeps must be copied, and f calls nobody else's
// code: a transaction that does not end keeps others from beginning.
func (s *Store) read(ctx context.Context, f func(transaction) error) error {
	if err := s.admit(ctx, false); err != nil {
		return err
	}
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	id := int64(tx.ID())
	_, err = guard(func() error {
		defer tx.Rollback()
		return f(tx)
	})
	if unsynced := s.waitSynced(ctx, id); unsynced != nil {
		return unsynced
	}
	return err
}

// waitSynced returns when the transaction that was read is on disk. bbolt shows a commit to
// readers as soon as its meta page is written, before that is synced. Who saw a revocation,
// and so did nothing and reported success, would have reported what a power failure can
// take back.
func (s *Store) waitSynced(ctx context.Context, id int64) error {
	if id <= s.synced.Load() {
		return nil
	}
	// What can be seen and is not synced was written by a commit that has begun. If another has
	// begun since, the next line shows that the one of id is over.
	over := *s.commitOver.Load()
	if id <= s.synced.Load() {
		return nil
	}
	select {
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	if id <= s.synced.Load() {
		return nil
	}
	s.beginning.Lock()
	defer s.beginning.Unlock()
	return fmt.Errorf("boltstore: what was read may not be on disk: %w", s.broken)
}
