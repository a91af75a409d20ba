package boltstore

import "io"

// In a file of ten million keys all but one page in a hundred are leaves. So of a large file
// Open reads the branches, which lead everywhere, and the list of free pages, and each leaf is
// checked before bbolt first reads it: see leaves.go. Nothing that bbolt follows is unchecked
// at any time, and what a leaf must be is all known from the branches:
//
//   - its number and the keys that it may hold, from the page above it;
//   - that it is a leaf, because all leaves of a tree are at one depth, which the way down the
//     left shows. A branch there would be refused when its turn comes;
//   - how many pages it takes up: those behind it that belong to nothing else. So a leaf that
//     claims too many or too few of them is noticed, and so are pages that belong to nothing.

// checkBranches does what checkPages does but for the leaves below branches, which it leaves to the caller.
// The values of those are not counted.
func checkBranches(file io.ReaderAt, length int64, pageSize int) (unsealed int, later *leaves, err error) {
	p := &pages{file: file, size: pageSize}
	if err := p.check(length, true); err != nil {
		return 0, nil, err
	}
	return p.unsealed, &leaves{size: p.size, count: p.count, claimed: p.seen, waiting: p.waiting}, nil
}

// sparse checks the tree of a bucket without its leaves, unless it is one leaf.
func (p *pages) sparse(root uint64, depth int) error {
	bottom := depth // the depth of the leaves
	for id := root; ; bottom++ {
		if bottom == maxDepth {
			return p.damaged(id, "is too deep in the tree")
		}
		if id >= p.count {
			return p.damaged(id, "does not exist")
		}
		l := &p.levels[bottom]
		if err := p.readAt(id, &l.page, p.size); err != nil {
			return err
		}
		if native.Uint16(l.page[8:]) != flagBranch {
			break // p.tree or p.below says whether it is a leaf
		}
		child, ok := firstChild(l.page)
		if !ok {
			return p.damaged(id, "has an element out of place")
		}
		id = child
	}
	if bottom == depth {
		return p.tree(root, depth, nil, nil)
	}
	return p.branch(root, depth, bottom, nil, nil)
}

// firstChild is where the first element of a branch page leads to.
func firstChild(page []byte) (id uint64, ok bool) {
	if native.Uint16(page[10:]) == 0 || len(page) < headerSize+elementSize {
		return 0, false
	}
	return native.Uint64(page[headerSize+8:]), true
}

// branch checks the branch page and all below it down to the leaves, as tree does.
func (p *pages) branch(id uint64, depth, bottom int, low, high []byte) error {
	l := &p.levels[depth]
	if err := p.load(id, &l.page); err != nil {
		return err
	}
	if native.Uint16(l.page[8:]) != flagBranch {
		return p.damaged(id, "is no branch")
	}
	var length int
	if l.elements, length = parse(l.page, l.elements[:0], low, high); length == 0 {
		return p.damaged(id, "has an element out of place")
	}
	for i, e := range l.elements {
		if depth+1 == bottom {
			if !p.claim(e.child, 1) {
				return p.damaged(e.child, "does not exist, or is used twice")
			}
			p.waiting[e.child/64].Or(1 << (e.child % 64))
			continue
		}
		next := high
		if i+1 < len(l.elements) {
			next = l.elements[i+1].key
		}
		if err := p.branch(e.child, depth+1, bottom, e.key, next); err != nil {
			return err
		}
	}
	return nil
}

// owned checks that every page belongs to something: what nothing claims, to the leaf before it.
//
// How far that leaf goes is for it to say, and it is read later. But what is free may be written
// over by the next commit. So where free pages follow, or the end, behind which commits write,
// the leaf is asked at once, which takes its header alone. Else an entry of the list that
// is damaged, and names one of the leaf's further pages, would cost that page before the leaf's turn comes.
func (p *pages) owned() error {
	var leaf uint64 // the last page that something claims, if it waits; 0: it does not
	var behind uint64
	for id := range p.count {
		bit := uint64(1) << (id % 64)
		switch {
		case p.seen[id/64]&bit == 0 && leaf == 0:
			return p.damaged(id, "belongs to nothing") // and so what leads to it is damaged
		case p.seen[id/64]&bit == 0:
			behind++
			continue
		case leaf != 0 && p.vacant[id/64]&bit != 0:
			if err := p.reaches(leaf, behind); err != nil {
				return err
			}
		}
		leaf, behind = 0, 0
		if p.waiting != nil && p.waiting[id/64].Load()&bit != 0 {
			leaf = id
		}
	}
	if leaf != 0 {
		return p.reaches(leaf, behind)
	}
	return nil
}

// reaches checks that a leaf that waits takes up as many pages behind its first.
func (p *pages) reaches(id, behind uint64) error {
	var header []byte
	if err := p.readAt(id, &header, headerSize); err != nil {
		return err
	}
	if native.Uint64(header) != id || uint64(native.Uint32(header[12:])) != behind {
		return p.damaged(id, "does not take up the pages behind it")
	}
	return nil
}
