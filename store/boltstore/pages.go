package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"sync/atomic"
)

// bbolt follows every page number and length that it finds. A page that leads back to its
// parent is an endless recursion, which no recover stops; a length that is too large reads
// what happens to be in memory; a free page that is in use gets overwritten. So the structure
// is checked before bbolt reads it, with reads of the file that can fail and not fault.
//
// The file is pages of one size, numbered from 0, in the byte order of the machine:
//
//	page     = id (8) flags (2) count (2) overflow (4) body; overflow: further pages it takes up
//	meta     = magic (4) version (4) page size (4) flags (4) root (8) sequence (8) freelist (8)
//	           pages (8) transaction (8) checksum (8); pages 0 and 1: the valid one with the higher transaction counts
//	branch   = count × { position (4) key length (4) page (8) } keys
//	leaf     = count × { flags (4) position (4) key length (4) value length (4) } keys and values
//	freelist = count × page (8); a count of 65535: the first 8 bytes are the count
//
// A position counts from its element. A leaf element with flag 1 is a bucket: its value is the
// root page (8) and a sequence (8), and if the root is 0, the bucket's only page follows inline.
const (
	headerSize  = 16
	elementSize = 16
	metaSize    = 64

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10
	flagBucket   = 0x01 // of a leaf element

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	maxDepth = 32 // far above what the number of pages allows with two keys a page
)

var native = binary.NativeEndian

// pages is a file under inspection.
type pages struct {
	file     io.ReaderAt
	size     int             // of a page
	count    uint64          // pages in use; what is above was never written
	seen     []uint64        // one bit a page: it belongs to something
	unsealed int             // values with a wrong checksum
	waiting  []atomic.Uint64 // one bit a page: a leaf that is checked later; nil: all are checked at once
	vacant   []uint64        // one bit a page: it is free; nil as waiting is
	levels   [maxDepth]level
}

// level is the memory that the page at one depth of the tree is read into.
type level struct {
	page     []byte
	elements []element
}

// errNoFreelist: bbolt would look for the free pages itself, in a goroutine where a fault ends
// the process; and pages that belong to nothing could not be told from free ones.
var errNoFreelist = errors.New("has no list of free pages, as bbolt writes it with NoFreelistSync; its command 'bbolt compact' makes a copy that has one")

// checkPages reads the tree and the list of free pages of a bbolt file of this length, and
// returns an error that matches ErrCorrupt unless every page and key is in its place, and
// every page has one. It also counts the values that are not sealed. errNoFreelist: all else is right.
//
// It refuses more than would harm bbolt: pages that belong to nothing, gaps between elements,
// and empty pages. With each of them keys could vanish: a branch as it was before its page was
// last written can lead to nothing but pages in their place, and only those that it no longer
// leads to tell. But that bbolt leaves none of them is no promise of bbolt, so TestSoundFilesOpen
// must pass with a new release of bbolt before it is used: it would refuse sound files.
func checkPages(file io.ReaderAt, length int64, pageSize int) (unsealed int, err error) {
	p := &pages{file: file, size: pageSize}
	err = p.check(length, false)
	return p.unsealed, err
}

func (p *pages) check(length int64, sparse bool) error {
	if p.size < headerSize+metaSize || length < int64(p.size) {
		return fmt.Errorf("%w: pages of %d bytes in a file of %d", ErrCorrupt, p.size, length)
	}
	root, freelist, err := p.meta()
	if err != nil {
		return err
	}
	if p.count > uint64(length)/uint64(p.size) {
		return fmt.Errorf("%w: the file is cut off", ErrCorrupt)
	}
	p.seen = make([]uint64, p.count/64+1)
	p.seen[0] = 0b11 // the meta pages
	if sparse {
		p.waiting = make([]atomic.Uint64, len(p.seen))
	}
	if err := p.tree(root, 0, nil, nil); err != nil {
		return err
	}
	if p.waiting != nil {
		p.vacant = make([]uint64, len(p.seen))
	}
	if err := p.free(freelist); err != nil {
		return err
	}
	return p.owned()
}

// meta reads the meta pages.
func (p *pages) meta() (root, freelist uint64, err error) {
	best, found := uint64(0), false
	for n := range int64(2) {
		m := make([]byte, metaSize)
		if _, err := p.file.ReadAt(m, n*int64(p.size)+headerSize); err == io.EOF {
			continue
		} else if err != nil {
			return 0, 0, err
		}
		sum := fnv.New64a()
		sum.Write(m[:metaSize-8])
		if native.Uint32(m) != boltMagic || native.Uint32(m[4:]) != boltVersion || native.Uint64(m[56:]) != sum.Sum64() {
			continue // bbolt uses the other one, too
		}
		if transaction := native.Uint64(m[48:]); !found || transaction > best {
			best, found = transaction, true
			root, freelist, p.count = native.Uint64(m[16:]), native.Uint64(m[32:]), native.Uint64(m[40:])
			if int(native.Uint32(m[8:])) != p.size {
				return 0, 0, p.damaged(uint64(n), "names another page size")
			}
		}
	}
	if !found {
		return 0, 0, fmt.Errorf("%w: no valid meta page", ErrCorrupt)
	}
	return root, freelist, nil
}

// tree checks the page and all below it: their keys begin with low, as parse has it, and are less than high; nil: no bound.
func (p *pages) tree(id uint64, depth int, low, high []byte) error {
	if depth == maxDepth {
		return p.damaged(id, "is too deep in the tree")
	}
	l := &p.levels[depth]
	if err := p.load(id, &l.page); err != nil {
		return err
	}
	flags := native.Uint16(l.page[8:])
	if flags != flagBranch && flags != flagLeaf {
		return p.damaged(id, "is neither branch nor leaf")
	}
	var length int
	if l.elements, length = parse(l.page, l.elements[:0], low, high); length == 0 {
		return p.damaged(id, "has an element out of place")
	}
	// bbolt frees a page when it gets empty, and moves an empty bucket inline. The root may be
	// empty, but not with something in it: then it lost its count.
	if len(l.elements) == 0 && (depth > 0 || slices.Max(l.page[headerSize:]) > 0) {
		return p.damaged(id, "is empty")
	}
	for i, e := range l.elements {
		var err error
		switch {
		case flags == flagBranch:
			next := high
			if i+1 < len(l.elements) {
				next = l.elements[i+1].key
			}
			err = p.tree(e.child, depth+1, e.key, next)
		case e.bucket:
			err = p.bucket(id, e.value, depth)
		default:
			p.value(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// free checks the list of free pages: none twice, and none that is in use.
func (p *pages) free(id uint64) error {
	if id == 1<<64-1 {
		return errNoFreelist
	}
	var page []byte
	if err := p.load(id, &page); err != nil {
		return err
	}
	if native.Uint16(page[8:]) != flagFreelist {
		return p.damaged(id, "is no list of free pages")
	}
	list, count := page[headerSize:], uint64(native.Uint16(page[10:]))
	if count == 0xffff && len(list) >= 8 {
		list, count = list[8:], native.Uint64(list)
	}
	if count > uint64(len(list)/8) {
		return p.damaged(id, "has too many entries")
	}
	for i := range count {
		free := native.Uint64(list[8*i:])
		if !p.claim(free, 1) {
			return p.damaged(free, "is free, and is in use or no page")
		}
		if p.vacant != nil {
			p.vacant[free/64] |= 1 << (free % 64)
		}
	}
	return nil
}

// load reads a page, with all that it overflows into, to *page.
func (p *pages) load(id uint64, page *[]byte) error {
	if id >= p.count {
		return p.damaged(id, "does not exist")
	}
	if err := p.readAt(id, page, p.size); err != nil {
		return err
	}
	n := uint64(native.Uint32((*page)[12:])) + 1
	if native.Uint64(*page) != id || !p.fits(*page, n) || !p.claim(id, n) {
		return p.damaged(id, "is not the page it should be, or is used twice")
	}
	if n == 1 {
		return nil
	}
	return p.readAt(id, page, int(n)*p.size)
}

func (p *pages) readAt(id uint64, page *[]byte, n int) error {
	if cap(*page) < n {
		*page = make([]byte, n)
	}
	*page = (*page)[:n]
	if _, err := p.file.ReadAt(*page, int64(id)*int64(p.size)); err == io.EOF {
		return p.damaged(id, "is cut off")
	} else if err != nil {
		return err
	}
	return nil
}

// claim marks n pages from id on and reports whether all exist and none was marked.
func (p *pages) claim(id, n uint64) bool {
	if id >= p.count || n > p.count-id {
		return false
	}
	for i := id; i < id+n; i++ {
		if p.seen[i/64]&(1<<(i%64)) != 0 {
			return false
		}
		p.seen[i/64] |= 1 << (i % 64)
	}
	return true
}

func (p *pages) damaged(id uint64, how string) error {
	return fmt.Errorf("%w: page %d %s", ErrCorrupt, id, how)
}
