package apikey

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// proofs remembers which secrets match which argon2 hashes for longer than the records are kept,
// in 16 bytes each where an entry takes over 500: what comes back after it was evicted costs one
// read of the store and no argon2. It takes an eighth of the cache's bytes at most.
//
// A proof is a digest of the prefix, the id, the tag, the digest of the secret and that of the PHC
// string, under a key of its own. It is found in a set of eight, the latest first; the ninth pushes out
// the one that is longest there.
type proofs struct {
	key   digestKey
	max   int64 // bytes
	count int   // added, those pushed out again included
	sets  []proofSet
}

type proofSet [setSize]digest

const (
	setSize  = 8
	setBytes = setSize * 16
)

func (p *proofs) of(prefix string, n name, secret, phc digest) digest {
	var words [maxPrefix + 9*8]byte
	b := append(words[:0], prefix...)
	for _, w := range [...]uint64{n.id0, n.id1, n.id2, n.tag0, n.tag1, secret.low, secret.high, phc.low, phc.high} {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return p.key.sum(b)
}

// set returns where a proof stands; nil: there is no room for any.
func (p *proofs) set(d digest) *proofSet {
	if len(p.sets) == 0 {
		return nil
	}
	return &p.sets[d.low>>(64-bits.TrailingZeros(uint(len(p.sets))))]
}

func (p *proofs) has(d digest) bool {
	set := p.set(d)
	if set == nil {
		return false
	}
	return slices.Contains(set[:], d)
}

// add puts a proof first in its set, and returns by how many bytes the table has grown.
func (p *proofs) add(d digest) (grown int64) {
	if !p.has(d) {
		if p.count++; p.count > len(p.sets)*setSize/2 {
			grown = p.grow()
		}
	}
	if set := p.set(d); set != nil {
		set.put(d)
	}
	return grown
}

func (s *proofSet) put(d digest) {
	i := 0
	for i < setSize-1 && s[i] != d {
		i++
	}
	copy(s[1:i+1], s[:i])
	s[0] = d
}

// grow doubles the table if there is room.
func (p *proofs) grow() int64 {
	n := max(1, 2*len(p.sets))
	if int64(n)*setBytes > p.max {
		return 0
	}
	old := p.sets
	p.sets = make([]proofSet, n)
	for _, set := range old {
		for _, d := range slices.Backward(set[:]) {
			if d != (digest{}) {
				p.set(d).put(d)
			}
		}
	}
	return int64(n-len(old)) * setBytes
}
