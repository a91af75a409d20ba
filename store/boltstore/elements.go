package boltstore

import "bytes"

// element is one of a branch or leaf page.
type element struct {
	key, value []byte
	child      uint64 // of a branch
	bucket     bool
}

// parse appends the elements of a branch or leaf page, which then share its memory, and
// returns how much of it they take up; 0: they are not as they must be, which is in order,
// within bounds, and without gaps, as bbolt writes them. With gaps allowed, a count that is too
// low would make keys vanish.
//
// The first key must be low, which is the key that the page above has for this one; nil: it is a
// root, and may be any. Every commit that writes a page writes its first key to the page above,
// and by that key the next commit finds the place there. If they differed, it would find
// none, or another's, and put a second way to the same keys beside the old one: reading would go on
// with what they were.
func parse(page []byte, to []element, low, high []byte) (_ []element, length int) {
	count := int(native.Uint16(page[10:]))
	branch := native.Uint16(page[8:]) == flagBranch
	table := headerSize + elementSize*count
	if table > len(page) || branch && count == 0 {
		return to, 0
	}
	next := uint64(table) // where the next key begins
	for i := range count {
		at := headerSize + elementSize*i
		raw := page[at : at+elementSize]
		var e element
		var position, keyLen, valueLen uint32
		if branch {
			position, keyLen, e.child = native.Uint32(raw), native.Uint32(raw[4:]), native.Uint64(raw[8:])
		} else {
			flags := native.Uint32(raw)
			position, keyLen, valueLen = native.Uint32(raw[4:]), native.Uint32(raw[8:]), native.Uint32(raw[12:])
			if flags&^flagBucket != 0 {
				return to, 0
			}
			e.bucket = flags == flagBucket
		}
		start := uint64(at) + uint64(position)
		end := start + uint64(keyLen) + uint64(valueLen)
		if keyLen == 0 || start != next || end > uint64(len(page)) {
			return to, 0
		}
		next = end
		e.key, e.value = page[start:start+uint64(keyLen)], page[start+uint64(keyLen):end]
		if i == 0 && low != nil && !bytes.Equal(e.key, low) || i > 0 && bytes.Compare(e.key, to[len(to)-1].key) <= 0 {
			return to, 0
		}
		if high != nil && bytes.Compare(e.key, high) >= 0 {
			return to, 0
		}
		to = append(to, e)
	}
	return to, int(next)
}

// bucket checks what the value of a bucket element in page id leads to.
func (p *pages) bucket(id uint64, value []byte, depth int) error {
	if len(value) < 16 {
		return p.damaged(id, "has a bucket without a root")
	}
	if root := native.Uint64(value); root != 0 {
		if p.waiting != nil {
			return p.sparse(root, depth+1)
		}
		return p.tree(root, depth+1, nil, nil)
	}
	inline := value[16:]
	if len(inline) < headerSize || native.Uint64(inline) != 0 || native.Uint16(inline[8:]) != flagLeaf || native.Uint32(inline[12:]) != 0 {
		return p.damaged(id, "has an inline bucket that is no leaf")
	}
	elements, length := parse(inline, nil, nil, nil)
	if length != len(inline) {
		return p.damaged(id, "has an inline bucket with an element out of place")
	}
	for _, e := range elements {
		if e.bucket {
			return p.damaged(id, "has a bucket in an inline bucket")
		}
		p.value(e)
	}
	return nil
}

func (p *pages) value(e element) {
	if _, ok := unseal(e.key, e.value); !ok {
		p.unsealed++
	}
}
