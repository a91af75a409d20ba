package boltstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// branchKeys calls each with every key in a branch page of the file, which shares its memory.
func branchKeys(t *testing.T, file []byte, each func(how string, key []byte)) {
	t.Helper()
	page, native := os.Getpagesize(), binary.NativeEndian
	branches := 0
	for _, start := range livePages(t, file) {
		if file[start+8] != 1 {
			continue
		}
		branches++
		for i := range int(native.Uint16(file[start+10:])) {
			at := start + 16 + 16*i
			from := at + int(native.Uint32(file[at:]))
			each(fmt.Sprintf("page %d, key %d", start/page, i), file[from:from+int(native.Uint32(file[at+4:]))])
		}
	}
	if branches < 3 {
		t.Errorf("the file has %d branches: the test does not test", branches)
	}
}

// TestBranchKeyFlipped: a key in a branch must be the first of the page it leads to, to the bit. bbolt
// finds a page in its parent by its own first key: with another there, the next write leaves
// the old page in the tree beside the new one.
func TestBranchKeyFlipped(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 250)
	accepted, all := 0, 0
	branchKeys(t, file, func(how string, key []byte) {
		for i := range key {
			bit := byte(1) << (i % 8)
			for _, bit := range []byte{bit, bit<<3 | bit>>5, 1} {
				key[i] ^= bit
				all++
				if err := boltstore.CheckBytes(file); !errors.Is(err, boltstore.ErrCorrupt) {
					if accepted++; accepted == 1 {
						t.Errorf("%s, bit %#x of byte %d flipped: as a whole %v", how, bit, i, err)
					}
				}
				if _, err := boltstore.CheckBytesSparsely(file); !errors.Is(err, boltstore.ErrCorrupt) {
					t.Errorf("%s, bit %#x of byte %d flipped: first without its leaves %v", how, bit, i, err)
				}
				key[i] ^= bit
			}
		}
	})
	if err := boltstore.CheckBytes(file); accepted > 0 || err != nil {
		t.Errorf("%d of %d were accepted; sound, the answer is %v", accepted, all, err)
	}
}

// openIfSparsely does as openSparsely, and returns nil if the file is refused at once.
func openIfSparsely(t *testing.T, file []byte) *boltstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.OpenSparsely(path, nil)
	if err != nil && !errors.Is(err, boltstore.ErrCorrupt) {
		t.Fatal(err)
	}
	return s
}

// TestLargeBranchKeyRaised: a key in a branch that got higher leads those who look for the first key
// of its leaf to the leaf before, which is sound. It must not be taken for missing, and its name
// not for one that is free.
func TestLargeBranchKeyRaised(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 250)
	opened, hidden := 0, 0
	branchKeys(t, file, func(how string, key []byte) {
		last := &key[len(key)-1]
		if *last&1 != 0 {
			return
		}
		*last |= 1
		defer func() { *last &^= 1 }()
		if _, err := boltstore.CheckBytesSparsely(file); err == nil {
			t.Errorf("%s raised: it is accepted", how)
		}
		s := openIfSparsely(t, file)
		if s == nil {
			return
		}
		opened++
		missing := 0
		for n := range 250 {
			if n%7 == 0 {
				continue
			}
			// Each with no leaf checked before but those of its own kind.
			if _, err := s.Get(t.Context(), id(n)); errors.Is(err, apikey.ErrNotFound) {
				missing++
			}
		}
		s.Close()
		s = openIfSparsely(t, file)
		for n := range 250 {
			namesake := record(1000 + n)
			namesake.UniqueKey = record(n).UniqueKey
			if err := s.Create(t.Context(), namesake); err == nil && n%7 != 0 {
				missing++
			}
		}
		s.Close()
		if hidden += missing; missing > 0 {
			t.Errorf("%s raised: %d were missing", how, missing)
		}
	})
	if opened == 0 {
		t.Error("the test does not test")
	}
}
