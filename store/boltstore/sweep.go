package boltstore

import (
	"bytes"
	"errors"

	"github.com/seed-d3a9fb6b/apikey"
)

// sweep checks all leaves that wait, in one goroutine that ends when it is through, at the
// first damage, and with Close. What nobody asks for would otherwise stay unchecked until the
// day it is needed, when the newest sound backup is long gone.
//
// It holds a transaction for one branch page at a time, some hundred leaves. One for all would
// keep writers from using free pages, and a writer that must enlarge the map would wait for it,
// and all others for that one.
//
// If it finds damage the store is at its end, as if Open had found it: every later call is
// ErrCorrupt, and watchers are told to trust nothing that they have read. What it cannot read is no
// damage yet: a leaf is left to whoever needs it, and of a branch all that is below and behind it.
func (s *Store) sweep(l *leaves) {
	l.skipped.Store(false)
	err := s.sweepBuckets(l)
	switch {
	case err == nil && !l.skipped.Load():
		s.leaves.Store(nil)
	case errors.Is(err, ErrCorrupt):
		s.condemn(err)
		s.watchers.Tell(apikey.Change{Gap: true})
	}
}

func (s *Store) sweepBuckets(l *leaves) error {
	for _, name := range buckets {
		for from, more := []byte(nil), true; more; more = from != nil {
			tx, err := s.begin(false)
			if err != nil {
				return err
			}
			_, err = guard(func() (err error) {
				defer tx.Rollback()
				if s.readOnly && bytes.Equal(name, bucketChanges) && !hasLog(tx) {
					return nil
				}
				from, err = l.sweep(uint64(tx.Bucket(name).Root()), from, s.closed.Load)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sweep checks the leaves below the branch page in whose range from is, from there on, and
// returns where the next begins; nil: that was the last.
func (l *leaves) sweep(root uint64, from []byte, stop func() bool) (next []byte, err error) {
	w := l.walks.Get().(*walk)
	defer l.walks.Put(w)
	if root == 0 {
		return nil, nil // the bucket is inline
	}
	id, high := root, []byte(nil)
	for depth := range maxDepth {
		page, err := w.read(id, depth)
		if err != nil {
			return nil, err
		}
		if native.Uint16(page[8:]) != flagBranch {
			return nil, nil // the root is a leaf, which Open has read
		}
		i, n := max(childOf(page, from, false), 0), int(native.Uint16(page[10:]))
		_, child := branchElement(page, i)
		lowest, err := l.isLeaf(w, child)
		if err != nil {
			return nil, err
		}
		if !lowest {
			if i+1 < n {
				high, _ = branchElement(page, i+1)
			}
			id = child
			continue
		}
		for j := n - 1; j >= i; j-- { // from the last, since each is checked with the one behind it
			if stop() {
				return nil, ErrClosed
			}
			s := span{high: high}
			s.low, s.page = branchElement(page, j)
			if j+1 < n {
				s.high, _ = branchElement(page, j+1)
			}
			err := l.check(w, root, s)
			switch {
			case errors.Is(err, ErrCorrupt):
				return nil, err
			case err != nil:
				l.skipped.Store(true)
			}
		}
		return bytes.Clone(high), nil
	}
	return nil, w.damaged(id, "is too deep in the tree")
}

func (l *leaves) isLeaf(w *walk, id uint64) (bool, error) {
	if l.waits(id) {
		return true, nil
	}
	if err := w.readAt(id, &w.leaf.page, w.size); err != nil {
		return false, err
	}
	return native.Uint16(w.leaf.page[8:]) != flagBranch, nil
}

// condemn lets no further transaction begin, because of damage.
func (s *Store) condemn(err error) {
	s.beginning.Lock()
	defer s.beginning.Unlock()
	if s.broken == nil {
		s.broken = err
	}
}
