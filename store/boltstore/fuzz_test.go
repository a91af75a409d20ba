package boltstore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// FuzzOpen writes a patch into a file. It is refused, or holds what it held; if
// it is opened as a large one, that may show when it is read.
func FuzzOpen(f *testing.F) {
	file, content := sample(f, 25)
	page := os.Getpagesize()
	for start := 0; start < len(file); start += page {
		f.Add(uint32(start), file[start:start+8])              // the page's number, as it is
		f.Add(uint32(start+8), []byte{1, 0, 1, 0, 0, 0, 0, 0}) // a branch of one
		f.Add(uint32(start+8), []byte{2, 0, 0, 0, 0, 0, 0, 0}) // an empty leaf
		f.Add(uint32(start+16), []byte{1, 0, 0, 0})            // a bucket, or a free page
	}
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		if int(at) > len(file) {
			return
		}
		tampered := append([]byte{}, file...)
		copy(tampered[at:], patch)
		if int(at) >= 2*page {
			if boltstore.CheckBytes(tampered) == nil {
				wantCorruptOrSame(t, "patched", tampered, content)
			} else {
				wantCorruptOrSameSparsely(t, "patched", tampered, content)
			}
			return
		}
		// In the meta pages it may be the state before, or another program's file.
		path := filepath.Join(t.TempDir(), "keys.db")
		if err := os.WriteFile(path, tampered, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := boltstore.Open(path, nil)
		if err != nil {
			return
		}
		if _, err := dump(t.Context(), s); err != nil {
			t.Error(err)
		}
		s.Close()
		if s, err = boltstore.OpenSparsely(path, &boltstore.Options{ReadOnly: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := dump(t.Context(), s); err != nil {
			t.Error(err)
		}
		s.Close()
	})
}

// FuzzPages: whatever the bytes, the check ends with an answer. Left for later, leaves are checked no
// less than at once.
func FuzzPages(f *testing.F) {
	file, _ := sample(f, 5)
	f.Add(file)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		whole := boltstore.CheckBytes(file)
		_, sparsely := boltstore.CheckBytesSparsely(file)
		for _, err := range []error{whole, sparsely} {
			if err != nil && !errors.Is(err, boltstore.ErrCorrupt) {
				t.Error(err)
			}
		}
		if whole != nil && sparsely == nil {
			t.Errorf("not noticed where the leaves are left for later: %v", whole)
		}
	})
}

// An entry of the log of changes has one spelling.
func FuzzEntry(f *testing.F) {
	f.Add(make([]byte, 8), make([]byte, 32))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 1}, append(bytes.Repeat([]byte{0xff}, 16), bytes.Repeat([]byte{1}, 16)...))
	f.Add([]byte("sequence"), []byte("at stampwall timeand what it was"))
	f.Add([]byte{1}, make([]byte, 32))
	f.Add(make([]byte, 9), make([]byte, 32))
	f.Add(make([]byte, 8), make([]byte, 31))
	f.Add(make([]byte, 8), make([]byte, 33))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		k, v, err := boltstore.Entry(key, value)
		if err != nil {
			if !errors.Is(err, boltstore.ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		if !bytes.Equal(k, key) || !bytes.Equal(v, value) {
			t.Errorf("%x: %x is written as %x: %x", key, value, k, v)
		}
	})
}
