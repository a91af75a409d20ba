package boltstore

import (
	"errors"
	"fmt"
)

// check checks a leaf if it waits. Damage is reported, so that it ends the use of the file. Another error
// is of reading it: the leaf goes on waiting, and whoever needs it next tries again. A disk that
// failed once is no reason to refuse all keys until somebody looks.
//
// That keys are missing from a leaf is known only when the next one begins where this ends. If the key
// that divides them in the branch above got higher, those below it that are in the next one
// are looked for in this one, where all is as it should be: a key would seem unknown, and a
// name that is taken, free. So with a leaf the next is inspected, too, unless it was.
func (l *leaves) check(w *walk, root uint64, s span) error {
	if !l.waits(s.page) {
		return nil
	}
	err := l.inspect(w, s)
	if err == nil && s.high != nil {
		err = l.begins(root, s.high)
	}
	switch {
	case errors.Is(err, ErrCorrupt):
		l.report(err)
		return err
	case err != nil:
		return fmt.Errorf("boltstore: check page %d before its first use: %w", s.page, err)
	}
	l.waiting[s.page/64].And(^(uint64(1) << (s.page % 64)))
	return nil
}

// begins inspects the leaf that begins with the key low, if it waits. It goes on waiting, since what
// follows on it was not looked at.
func (l *leaves) begins(root uint64, low []byte) error {
	w := l.walks.Get().(*walk)
	defer l.walks.Put(w)
	s, _, err := l.find(w, root, low, false)
	if err != nil || !l.waits(s.page) {
		return err
	}
	return l.inspect(w, s)
}

func (l *leaves) inspect(w *walk, s span) error {
	page := &w.leaf.page
	if err := w.readAt(s.page, page, w.size); err != nil {
		return err
	}
	switch {
	case native.Uint64(*page) != s.page:
		return w.damaged(s.page, "is not the page it should be")
	case native.Uint16((*page)[8:]) != flagLeaf:
		return w.damaged(s.page, "is no leaf")
	}
	n := uint64(0) // pages behind it that nothing else claims
	for id := s.page + 1; id < w.count && l.claimed[id/64]&(1<<(id%64)) == 0; id++ {
		n++
	}
	if uint64(native.Uint32((*page)[12:])) != n || !w.fits(*page, n+1) {
		return w.damaged(s.page, "does not take up the pages behind it")
	}
	if n > 0 {
		if err := w.readAt(s.page, page, int(n+1)*w.size); err != nil {
			return err
		}
	}
	var length int
	if w.leaf.elements, length = parse(*page, w.leaf.elements[:0], s.low, s.high); length == 0 || len(w.leaf.elements) == 0 {
		return w.damaged(s.page, "has an element out of place, or none")
	}
	w.unsealed = 0
	for _, e := range w.leaf.elements {
		if !e.bucket {
			w.value(e)
			continue
		}
		if len(e.value) >= 8 && native.Uint64(e.value) != 0 {
			return w.damaged(s.page, "has a bucket that no branch leads to")
		}
		if err := w.bucket(s.page, e.value, 0); err != nil {
			return err
		}
	}
	if w.unsealed > 0 {
		return errSeal
	}
	return nil
}
