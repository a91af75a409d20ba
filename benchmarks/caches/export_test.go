package caches

// Holds reports whether a reader who has found the slot of a tag is still given what is in it after meanwhile.
func (c *Table) Holds(tag Tag, meanwhile func()) bool {
	s, version := c.named(tag)
	meanwhile()
	_, _, _, _, ok := s.read(version)
	return ok
}
