package boltstore

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"sync"
	"sync/atomic"
)

// leaves are the leaf pages of a large file that Open has not read. Each is checked once,
// before bbolt first reads it, by whoever needs it or by the goroutine of sweep.go, whoever
// comes first. So there is no time in which damage could hide a key from the revocation of its
// owner's keys, or free a name that is taken; a read finds the page in the operating system's
// memory a moment later, where bbolt would have had to wait for it.
//
// A page that waits is as it was when Open read the branches: bbolt changes, frees and uses
// anew only pages that it has read, and pages that are new were written by bbolt, since Open.
// What is needed is two bits a page. That is all that Open allocates in proportion to the file.
//
// The way to a leaf leads through the branches as they are in the transaction at hand: it is
// its root that the search starts from, and it keeps its pages from being written over. They
// were checked by Open or written by bbolt since, and they are read from the file: where a
// page is in bbolt's map, bbolt does not tell.
type leaves struct {
	file    io.ReaderAt
	size    int             // of a page
	count   uint64          // pages that were in use when Open looked
	claimed []uint64        // pages that Open knows the owner of; the others go with the leaf before them
	waiting []atomic.Uint64 // pages that are to be checked
	walks   sync.Pool       // of *walk
	report  func(error)     // what is damaged
	skipped atomic.Bool     // the goroutine could not read one of them, and has gone on
}

// walk is the memory for one way down a tree.
type walk struct {
	*pages
	leaf level
}

// in returns the leaves of the same file, opened anew.
func (l *leaves) in(file io.ReaderAt, report func(error)) *leaves {
	n := &leaves{file: file, size: l.size, count: l.count, claimed: l.claimed, waiting: l.waiting, report: report}
	n.walks.New = func() any {
		return &walk{pages: &pages{file: n.file, size: n.size, count: n.count}}
	}
	return n
}

// span is a leaf and the keys that it may hold: from low on, and less than high; nil: no bound.
type span struct {
	page      uint64
	low, high []byte
}

func (l *leaves) waits(id uint64) bool {
	return id/64 < uint64(len(l.waiting)) && l.waiting[id/64].Load()&(1<<(id%64)) != 0
}

// at checks the leaf in which a search for key ends.
func (l *leaves) at(root uint64, key []byte) error {
	w := l.walks.Get().(*walk)
	defer l.walks.Put(w)
	s, _, err := l.find(w, root, key, false)
	if err != nil {
		return err
	}
	return l.check(w, root, s)
}

// around checks the leaf in which a search for key ends, and the ones before and behind it. It
// returns the lowest keys of the leaf and of the one before; nil: there is nothing before.
func (l *leaves) around(root uint64, key []byte) (low, lower []byte, err error) {
	w := l.walks.Get().(*walk)
	defer l.walks.Put(w)
	s, _, err := l.find(w, root, key, false)
	if err != nil {
		return nil, nil, err
	}
	if err := l.check(w, root, s); err != nil {
		return nil, nil, err
	}
	low, high := bytes.Clone(s.low), bytes.Clone(s.high)
	if high != nil {
		s, _, err := l.find(w, root, high, false)
		if err != nil {
			return nil, nil, err
		}
		if err := l.check(w, root, s); err != nil {
			return nil, nil, err
		}
	}
	lower, err = l.before(root, low)
	return low, lower, err
}

// before checks the last leaf with keys below low, if there is one, and returns its lowest key.
func (l *leaves) before(root uint64, low []byte) (lower []byte, err error) {
	if low == nil {
		return nil, nil
	}
	w := l.walks.Get().(*walk)
	defer l.walks.Put(w)
	s, found, err := l.find(w, root, low, true)
	if err != nil || !found {
		return nil, err
	}
	if err := l.check(w, root, s); err != nil {
		return nil, err
	}
	return bytes.Clone(s.low), nil
}

// find goes down from the root to the leaf in which a search for key ends or, if below is set,
// to the last with keys that are less. What it returns is part of w.
func (l *leaves) find(w *walk, root uint64, key []byte, below bool) (s span, found bool, err error) {
	s.page = root
	for depth := range maxDepth {
		if l.waits(s.page) {
			return s, true, nil
		}
		page, err := w.read(s.page, depth)
		if err != nil {
			return s, false, err
		}
		if native.Uint16(page[8:]) != flagBranch {
			return s, true, nil // bbolt will find out what it is, if it is no leaf
		}
		i, n := childOf(page, key, below), int(native.Uint16(page[10:]))
		if i < 0 && below {
			return s, false, nil
		}
		i = max(i, 0)
		if i+1 < n {
			s.high, _ = branchElement(page, i+1)
		}
		s.low, s.page = branchElement(page, i)
	}
	return s, false, w.damaged(s.page, "is too deep in the tree")
}

// maxOverflow is far above the further pages of any branch: those of four keys of 32 KiB.
const maxOverflow = 1 << 10

// read reads a page of the tree, with all that it overflows into.
func (w *walk) read(id uint64, depth int) ([]byte, error) {
	l := &w.levels[depth]
	if err := w.readAt(id, &l.page, w.size); err != nil {
		return nil, fmt.Errorf("boltstore: read page %d: %w", id, err)
	}
	if n := native.Uint32(l.page[12:]); n > 0 && native.Uint16(l.page[8:]) == flagBranch {
		if n > maxOverflow {
			return nil, w.damaged(id, "takes up too many pages")
		}
		if err := w.readAt(id, &l.page, int(n+1)*w.size); err != nil {
			return nil, fmt.Errorf("boltstore: read page %d: %w", id, err)
		}
	}
	return l.page, nil
}

// childOf returns the last element of a branch page whose key is at most the given one, or
// below it; -1: there is none.
func childOf(page []byte, key []byte, below bool) int {
	most := 0
	if below {
		most = -1
	}
	return sort.Search(int(native.Uint16(page[10:])), func(i int) bool {
		k, _ := branchElement(page, i)
		return bytes.Compare(k, key) > most
	}) - 1
}

func branchElement(page []byte, i int) (key []byte, child uint64) {
	at := headerSize + elementSize*i
	start := at + int(native.Uint32(page[at:]))
	return page[start : start+int(native.Uint32(page[at+4:]))], native.Uint64(page[at+8:])
}
