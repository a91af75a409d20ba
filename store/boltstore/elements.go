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
		if i == 0 && bytes.Compare(e.key, low) < 0 || i > 0 && bytes.Compare(e.key, to[len(to)-1].key) <= 0 {
			return to, 0
		}
		if high != nil && bytes.Compare(e.key, high) >= 0 {
			return to, 0
		}
		to = append(to, e)
	}
	return to, int(next)
}
