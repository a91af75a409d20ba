package leak

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

const (
	bufferBytes = 64 << 10
	maxEmpty    = 100 // reads in a row that return nothing, as in package bufio
)

// Scan finds the keys in what r holds: every text in it that [apikey.KeyID] accepts, in the order of their ends, in
// any text or binary. prefixes are the prefixes to look for; none: any. It needs 64 KiB of memory however long the
// input is, and passes a key on as soon as its last digit was read.
//
// An error of r ends it, wrapped, after what was read before; a wrong prefix is a [*apikey.ValidationError]. What is
// left of r when the loop is left early has partly been read: range over the result once.
//
// A random text that looks like a key passes for one with a chance of 2^-32, and anybody can make one on purpose, even
// out of a key, by letters in front of it: then both are found, the longer one first. Whether a key was issued here
// [apikey.Verifier.Recognize] tells.
func Scan(r io.Reader, prefixes ...string) iter.Seq2[Found, error] {
	prefixes = slices.Clone(prefixes)
	return func(yield func(Found, error) bool) {
		if err := checkPrefixes(prefixes); err != nil {
			yield(Found{}, err)
			return
		}
		if err := scan(r, prefixes, yield); err != nil {
			yield(Found{}, fmt.Errorf("leak: scan: %w", err))
		}
	}
}

func scan(r io.Reader, prefixes []string, yield func(Found, error) bool) error {
	buf := make([]byte, 0, bufferBytes)
	offset := int64(0) // of buf[0]
	from := 0          // where in buf the next underscore may be
	for empty := 0; empty < maxEmpty; {
		n, err := r.Read(buf[len(buf):cap(buf)])
		if n < 0 || n > cap(buf)-len(buf) {
			return errors.New("the reader returned a count that is not from 0 to the length of the buffer")
		}
		buf = buf[:len(buf)+n]
		for {
			at, ok := findBody(buf, from, bodyDigits)
			if !ok {
				from = at
				break
			}
			for i := 0; ; {
				start, id, key, ok := keyAt(buf, i, at, prefixes)
				if !ok {
					break
				}
				if !yield(newFound(offset+int64(start), id, key), nil) {
					return nil
				}
				i = start + 1
			}
			from = at + 1
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		empty++
		if n > 0 {
			empty = 0
		}
		// What a key that is not whole may be made of stays: a prefix, an underscore, and digits.
		gone := max(0, from-maxPrefix)
		buf = buf[:copy(buf, buf[gone:])]
		offset, from = offset+int64(gone), from-gone
	}
	return io.ErrNoProgress
}
