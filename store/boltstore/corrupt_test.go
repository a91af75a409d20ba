package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

func TestTruncated(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 40)
	page := os.Getpagesize()
	lengths := []int{1, 15, 16, 63, 64, 79, 80, 1023, 1024, 1025}
	for n := page; n <= len(file); n += page {
		lengths = append(lengths, n-page+17, n-1, n)
	}
	for _, n := range lengths {
		opened := wantCorruptOrSame(t, fmt.Sprintf("cut to %d bytes", n), file[:n], content)
		if opened != (n == len(file)) {
			t.Errorf("cut to %d of %d bytes: opened is %v", n, len(file), opened)
		}
	}
}

// TestH7_Flipped flips bits all over a file. The structure and every value are checked, so what
// is not noticed was in a place that nothing reads, and that no write builds on: a sample of those is
// written to all over. The keys in branches are in TestBranchKeyFlipped.
func TestH7_Flipped(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 60)
	page := os.Getpagesize()
	random := rand.New(rand.NewPCG(1, 2))
	var d damage
	defer d.end(t)
	for _, start := range livePages(t, file) {
		for i := range 200 {
			at := start + i // the header and the first elements
			if i >= 100 {
				at = start + random.IntN(page)
			}
			bit := byte(1) << random.IntN(8)
			file[at] ^= bit
			d.try(t, fmt.Sprintf("bit %#x of byte %#x flipped", bit, at), file, content)
			file[at] ^= bit
		}
	}
}

// TestRootFlipped flips a bit in every byte of the page that leads to the buckets, in which
// small ones are inline.
func TestRootFlipped(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 15)
	random := rand.New(rand.NewPCG(3, 4))
	var d damage
	defer d.end(t)
	for _, start := range livePages(t, file) {
		root := file[start : start+os.Getpagesize()]
		if !bytes.Contains(root, []byte("subjects")) {
			continue
		}
		for i := range bytes.TrimRight(root, "\x00") {
			bit := byte(1) << random.IntN(8)
			root[i] ^= bit
			d.try(t, fmt.Sprintf("bit %#x of byte %d flipped", bit, i), file, content)
			root[i] ^= bit
		}
	}
}

// TestElements does to pages what leaves every checksum right: a count that is wrong, and
// neighbours that have changed places.
func TestElements(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 60)
	native := binary.NativeEndian
	noticed := func(how string) {
		t.Helper()
		if err := boltstore.CheckBytes(file); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s: %v", how, err)
		}
	}
	swapped, inline := 0, 0
	for _, start := range livePages(t, file) {
		page := file[start : start+os.Getpagesize()]
		count := native.Uint16(page[10:])
		for _, n := range []uint16{0, count / 2, count - 1, count + 1, 0xffff} {
			if n != count {
				native.PutUint16(page[10:], n)
				noticed(fmt.Sprintf("page at %#x: %d elements for %d", start, n, count))
			}
		}
		native.PutUint16(page[10:], count)

		if page[8] != 2 { // a leaf
			continue
		}
		element := func(i int) (header, key, value []byte) {
			at := 16 + 16*i
			header = page[at : at+16]
			from := at + int(native.Uint32(header[4:]))
			to := from + int(native.Uint32(header[8:]))
			return header, page[from:to], page[to : to+int(native.Uint32(header[12:]))]
		}
		for i := range int(count) {
			header, key, value := element(i)
			flags := header[0]
			for _, other := range []byte{0, 1, 2, 3} {
				if header[0] = other; other != flags {
					noticed(fmt.Sprintf("page at %#x, element %d: flags %d for %d", start, i, other, flags))
				}
			}
			header[0] = flags

			if flags == 1 { // a bucket
				if native.Uint64(value) == 0 {
					for _, at := range []int{0, 8, 10, 12} { // of the inline page: number, flags, count, overflow
						value[16+at] ^= 1
						noticed(fmt.Sprintf("bucket %s: byte %d of its inline page", key, at))
						value[16+at] ^= 1
					}
					inline++
				}
				continue
			}
			if i+1 == int(count) {
				continue
			}
			next, _, _ := element(i + 1)
			if !bytes.Equal(header[8:], next[8:]) { // the lengths
				continue
			}
			_, nextKey, nextValue := element(i + 1)
			a, b := slices.Concat(key, value), slices.Concat(nextKey, nextValue)
			swapped++
			put := func(key, value, content []byte) { copy(value, content[copy(key, content):]) }
			put(key, value, b)
			put(nextKey, nextValue, a)
			noticed(fmt.Sprintf("page at %#x: elements %d and %d have changed places", start, i, i+1))
			put(key, value, a)
			put(nextKey, nextValue, b)
		}
	}
	if swapped == 0 || inline == 0 || boltstore.CheckBytes(file) != nil {
		t.Error("the test does not test")
	}
}

// TestCountLost: in a small file the buckets are all inline, so that no page would be left over if
// the root lost its count. It would look new, and Open would make it so.
func TestCountLost(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 2)
	tried := 0
	for _, start := range livePages(t, file) {
		if page := file[start : start+os.Getpagesize()]; bytes.Contains(page, []byte("subjects")) {
			binary.NativeEndian.PutUint16(page[10:], 0)
			if wantCorruptOrSame(t, "no elements", file, content) {
				t.Error("it opens")
			}
			tried++
		}
	}
	if tried != 1 {
		t.Error("the test does not test")
	}
}

// TestDeep: a chain of pages, each with one child, as bbolt never makes. It must end, too.
func TestDeep(t *testing.T) {
	t.Parallel()
	page, native := os.Getpagesize(), binary.NativeEndian
	const first, length = 3, 1000
	file := make([]byte, (first+length)*page)
	for n := range 2 {
		m := file[n*page+16:]
		native.PutUint32(m, 0xED0CDAED)
		native.PutUint32(m[4:], 2)
		native.PutUint32(m[8:], uint32(page))
		native.PutUint64(m[16:], first)
		native.PutUint64(m[32:], 2)
		native.PutUint64(m[40:], first+length)
		sum := fnv.New64a()
		sum.Write(m[:56])
		native.PutUint64(m[56:], sum.Sum64())
	}
	for n := first; n < first+length; n++ {
		p := file[n*page:]
		native.PutUint64(p, uint64(n))
		p[8], p[10] = 1, 1 // a branch of one
		native.PutUint32(p[16:], 16)
		native.PutUint32(p[20:], 1)
		native.PutUint64(p[24:], uint64(n+1))
		p[32] = 'k'
	}
	if err := boltstore.CheckBytes(file); !errors.Is(err, boltstore.ErrCorrupt) || !strings.Contains(err.Error(), "too deep") {
		t.Errorf("the error is %v", err)
	}
}

// TestMetaFlipped: bbolt has two meta pages, and if the one of the last transaction is
// damaged, the one before counts. What matters is that nothing else comes of it.
func TestMetaFlipped(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 20)
	page := os.Getpagesize()
	for _, start := range []int{0, page} {
		for i := 0; i < 80; i += 5 {
			flipped := slices.Clone(file)
			flipped[start+i] ^= 0x10
			path := filepath.Join(t.TempDir(), "keys.db")
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := boltstore.Open(path, nil)
			if err != nil {
				t.Errorf("byte %d of a meta page: %v", i, err)
				continue
			}
			if _, err := dump(t.Context(), s); err != nil {
				t.Errorf("byte %d of a meta page: %v", i, err)
			}
			s.Close()
		}
	}
	both := slices.Clone(file)
	both[20], both[page+20] = 1, 1
	if wantCorruptOrSame(t, "both meta pages damaged", both, "") {
		t.Error("it opens")
	}
}

// TestPages damages whole pages.
func TestPages(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 50)
	page := os.Getpagesize()
	zeros, noise := make([]byte, page), make([]byte, page)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	var d damage
	defer d.end(t)
	for start := 2 * page; start < len(file); start += page {
		for how, with := range map[string][]byte{
			"zeroed": zeros, "noise": noise, "all ones": bytes.Repeat([]byte{0xff}, page),
			"page 0": file[:page], "the page before": file[start-page : start], "the last page": file[len(file)-page:],
		} {
			tampered := slices.Clone(file)
			copy(tampered[start:], with)
			d.try(t, fmt.Sprintf("page %d: %s", start/page, how), tampered, content)
		}
	}
}

// TestLoop: a page that leads to itself would have bbolt recurse until the stack overflows,
// which ends the process.
func TestLoop(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 300)
	page := os.Getpagesize()
	var d damage
	defer d.end(t)
	for start := 2 * page; start < len(file); start += page {
		if file[start+8] == 1 && file[start+9] == 0 { // a branch, or was one when it was free
			tampered := slices.Clone(file)
			copy(tampered[start+16+8:], file[start:start+8]) // its first child is itself
			d.try(t, fmt.Sprintf("page %d leads to itself", start/page), tampered, content)
		}
	}
}
