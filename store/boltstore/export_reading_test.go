package boltstore

import "io"

// ReadThrough has what is still to be checked read through a function, which gets the read of
// the file itself and the page at which it begins. Nothing may be in use yet.
func ReadThrough(s *Store, f func(page int64, read func() (int, error)) (int, error)) {
	l := s.leaves.Load()
	s.leaves.Store(l.in(through{l, f}, s.condemn))
}

type through struct {
	*leaves
	f func(page int64, read func() (int, error)) (int, error)
}

var _ io.ReaderAt = through{}

func (t through) ReadAt(p []byte, at int64) (int, error) {
	return t.f(at/int64(t.size), func() (int, error) { return t.file.ReadAt(p, at) })
}
