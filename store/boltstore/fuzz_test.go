package boltstore_test

import (
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
