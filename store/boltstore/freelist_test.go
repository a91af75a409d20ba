package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestFreeAndInUse: an entry of the list of free pages that names one in use, be it a further page of a
// leaf that a large file's Open leaves for later. The next commit could write over it.
func TestFreeAndInUse(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 300)
	for n := 5; n < 300; n += 10 { // large ones
		r := record(n)
		r.Version = 1
		r.Claims = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte("x"), 15_000))
		if err := s.Replace(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for n := 60; n < 240; n++ {
		if n%9 > 0 {
			if err := s.Delete(t.Context(), id(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	used := boltstore.Used(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file = file[:used]
	s = openSparsely(t, file)
	waiting := boltstore.Unchecked(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	page, native := os.Getpagesize(), binary.NativeEndian
	meta := file[16:]
	if newer := file[page+16:]; native.Uint64(newer[48:]) > native.Uint64(meta[48:]) {
		meta = newer
	}
	list := file[native.Uint64(meta[32:])*uint64(page):]
	tried := 0
	for _, leaf := range waiting {
		further := uint64(native.Uint32(file[int(leaf)*page+12:]))
		if further == 0 || tried > 3000 {
			continue
		}
		for _, inUse := range []uint64{leaf, leaf + 1, leaf + further} {
			for i := range int(native.Uint16(list[10:])) {
				entry := list[16+8*i:]
				free := native.Uint64(entry)
				native.PutUint64(entry, inUse)
				tried++
				if err := boltstore.CheckBytes(file); !errors.Is(err, boltstore.ErrCorrupt) {
					t.Errorf("entry %d is page %d: as a whole %v", i, inUse, err)
				}
				if err := boltstore.CheckBranches(file); !errors.Is(err, boltstore.ErrCorrupt) {
					t.Errorf("entry %d is page %d of leaf %d: without the leaves %v", i, inUse, leaf, err)
				}
				native.PutUint64(entry, free)
			}
		}
	}
	if err := boltstore.CheckBranches(file); err != nil || tried == 0 {
		t.Errorf("tried %d; sound, the answer is %v", tried, err)
	}
}
