package caches

import "encoding/binary"

// hash is the random half of the id.
func (id *ID) hash() uint64 { return binary.LittleEndian.Uint64(id[8:]) }

// ids is an index by id for a Cache that is made of a library's map: the newest entry of an id
// leads to the others. load, store and drop are of a map that the owner's lock guards.
type ids struct {
	load  func(ID) (*Entry, bool)
	store func(ID, *Entry)
	drop  func(ID)
}

func (m *ids) add(e *Entry) {
	e.kin, _ = m.load(e.ID)
	m.store(e.ID, e)
}

func (m *ids) remove(e *Entry) {
	head, _ := m.load(e.ID)
	if head == e {
		if e.kin != nil {
			m.store(e.ID, e.kin)
		} else {
			m.drop(e.ID)
		}
		return
	}
	for ; head != nil; head = head.kin {
		if head.kin == e {
			head.kin = e.kin
			return
		}
	}
}

func (m *ids) distrust(id ID) {
	for e, _ := m.load(id); e != nil; e = e.kin {
		e.trust.Store(0)
	}
}
