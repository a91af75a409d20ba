package boltstore

// fits reports whether a page that says it takes up n pages holds as much as that, by the first
// of them. It is asked before the others are read: the number is a field like all others, and one
// flipped bit of it could have Open allocate as much as the file is long. That bit alone is
// noticed here; it takes damage in two places, which agree, to get further.
//
// bbolt allots what a node needs and no page more. It splits a node that does not fit into a
// page until four elements or fewer are left, so that the first page always holds the table of
// all elements, of which the last says where the content ends. The list of free pages it measures
// before it takes from it those which the list itself is then written to, so that it may be longer by
// as much, and by the count, if that is left out in the end.
func (p *pages) fits(page []byte, n uint64) bool {
	count := uint64(native.Uint16(page[10:]))
	if native.Uint16(page[8:]) == flagFreelist {
		if count == 0xffff && len(page) >= headerSize+8 {
			count = native.Uint64(page[headerSize:])
		}
		return count <= p.count && n <= p.count && (n-1)*uint64(p.size) <= headerSize+8*(1+count+n)
	}
	end := uint64(headerSize)
	if count > 0 {
		at := headerSize + elementSize*(count-1)
		if at+elementSize > uint64(len(page)) {
			return false
		}
		last := page[at : at+elementSize]
		end = at
		if native.Uint16(page[8:]) == flagBranch {
			end += uint64(native.Uint32(last)) + uint64(native.Uint32(last[4:]))
		} else {
			end += uint64(native.Uint32(last[4:])) + uint64(native.Uint32(last[8:])) + uint64(native.Uint32(last[12:]))
		}
	}
	return n == max(1, (end+uint64(p.size)-1)/uint64(p.size))
}
