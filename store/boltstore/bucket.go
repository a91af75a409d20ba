package boltstore

import (
	"bytes"
	"iter"

	"go.etcd.io/bbolt"
)

// bucket is one of bbolt's whose leaves are checked before bbolt reads them. All that is read and
// written goes through it.
type bucket struct {
	*bbolt.Bucket
	leaves *leaves // nil: all are checked
}

// bucket returns the bucket of that name, which there must be.
func (tx transaction) bucket(name []byte) bucket {
	b := bucket{tx.Bucket(name), tx.leaves}
	if b.Root() == 0 {
		b.leaves = nil // it is inline, in a page that Open has read
	}
	return b
}

// get returns the value of a key; nil: there is none. It is part of the mapped file, and so
// gone when the transaction ends.
func (b bucket) get(key []byte) ([]byte, error) {
	if b.leaves != nil {
		if err := b.leaves.at(uint64(b.Root()), key); err != nil {
			return nil, err
		}
	}
	sealed := b.Get(key)
	if sealed == nil {
		return nil, nil
	}
	value, ok := unseal(key, sealed)
	if !ok {
		return nil, errSeal
	}
	return value, nil
}

// put sets the value of a key. What bbolt reads for it until the commit is the leaf of the key
// as it was when the transaction began: leaves are split by the commit.
func (b bucket) put(key, value []byte) error {
	if b.leaves != nil {
		if err := b.leaves.at(uint64(b.Root()), key); err != nil {
			return err
		}
	}
	return b.Put(key, seal(key, value))
}

// remove deletes a key. The commit may merge the leaf, if it gets small, with the one before or
// behind it. Where some of those merge or vanish, too, the neighbour that it gets is one of theirs.
func (b bucket) remove(key []byte) error {
	if b.leaves != nil {
		if _, _, err := b.leaves.around(uint64(b.Root()), key); err != nil {
			return err
		}
	}
	return b.Delete(key)
}

// descending yields the keys that are less than bound, and what is stored under them, from the
// last to the first. After an error it ends.
func (b bucket) descending(bound []byte) iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		// Seek and Last end in the leaf of the bound, or at the beginning of the one behind it. Prev
		// reads the leaf of the key before or, from its first key, the one before that. So when
		// it is called, these two must be checked.
		var low, lower []byte // where the leaf of the key begins, and the one before
		if b.leaves != nil {
			var err error
			if low, lower, err = b.leaves.around(uint64(b.Root()), bound); err != nil {
				yield(pair{}, err)
				return
			}
		}
		cursor := b.Cursor()
		next := cursor.Prev
		if at, _ := cursor.Seek(bound); at == nil {
			next = cursor.Last // all keys are below the bound
		}
		for key, sealed := next(); key != nil; key, sealed = cursor.Prev() {
			if b.leaves != nil && bytes.Compare(key, low) < 0 {
				var err error
				low = lower
				if lower, err = b.leaves.before(uint64(b.Root()), low); err != nil {
					yield(pair{}, err)
					return
				}
			}
			if !yield(pair{key, sealed}, nil) {
				return
			}
		}
	}
}

// ascending yields all keys, and what is stored under them, from the first to the last. After an
// error it ends.
func (b bucket) ascending() iter.Seq2[pair, error] {
	return func(yield func(pair, error) bool) {
		// First ends in the first leaf. If this transaction has removed all that was in it, it goes on
		// to those behind it, up to the first that was not emptied; and who removed the last of a leaf
		// has checked the one behind.
		if b.leaves != nil {
			if err := b.leaves.at(uint64(b.Root()), nil); err != nil {
				yield(pair{}, err)
				return
			}
		}
		cursor := b.Cursor()
		for key, sealed := cursor.First(); key != nil; key, sealed = cursor.Next() {
			if b.leaves != nil { // Next may read the leaf behind
				if _, _, err := b.leaves.around(uint64(b.Root()), key); err != nil {
					yield(pair{}, err)
					return
				}
			}
			if !yield(pair{key, sealed}, nil) {
				return
			}
		}
	}
}

// pair is a key and what is stored under it, value and seal.
type pair struct{ key, sealed []byte }
