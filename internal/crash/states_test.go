//go:build linux

package main

import (
	"math/rand/v2"
	"slices"
)

// Which changes to try out of those that are pending. Up to maxAll changes all subsets are; of more, those that a
// disk which keeps the order leaves, those with one change lost or one alone kept, and some at random.
const (
	maxAll     = 6
	randomSets = 30
	randomTorn = 60
)

// states returns what the disk may have kept of the changes, as lists of changes in their order.
func states(pending []change, dice *rand.Rand) (all [][]change) {
	n := len(pending)
	subset := func(in func(i int) bool) {
		var kept []change
		for i, ch := range pending {
			if in(i) {
				kept = append(kept, ch)
			}
		}
		all = append(all, kept)
	}
	if n <= maxAll {
		for set := range 1 << n {
			subset(func(i int) bool { return set>>i&1 == 1 })
		}
	} else {
		for k := range n {
			subset(func(i int) bool { return i < k })
			subset(func(i int) bool { return i != k })
			subset(func(i int) bool { return i == k })
		}
		subset(func(int) bool { return true })
		for range randomSets {
			set := dice.Uint64()
			subset(func(i int) bool { return set>>(i%64)&1 == 1 })
		}
	}
	var torn [][]change
	for i, ch := range pending {
		for _, pieces := range tear(ch) {
			torn = append(torn,
				pieces, // and nothing else
				slices.Concat(pending[:i], pieces),
				slices.Concat(pending[:i], pieces, pending[i+1:]))
		}
	}
	if len(pending) > 1 && len(torn) > randomTorn { // a meta page is written alone, and is torn in every way
		dice.Shuffle(len(torn), func(i, j int) { torn[i], torn[j] = torn[j], torn[i] })
		torn = torn[:randomTorn]
	}
	return append(all, torn...)
}

// tear returns what a disk may have of one write whose sectors it writes in any order: those up to one of them, all
// but one, and one alone; and none, where the file has got longer all the same.
func tear(ch change) (all [][]change) {
	if ch.kind != "write" {
		return nil
	}
	size := int64(len(ch.data))
	all = append(all, []change{{kind: "size-at-least", file: ch.file, size: ch.offset + size}})
	for _, sector := range []int64{512, 1024, 2048} {
		var sectors []change
		for from := int64(0); from < size; from += sector {
			piece := ch
			piece.offset, piece.data = ch.offset+from, ch.data[from:min(from+sector, size)]
			sectors = append(sectors, piece)
		}
		for i := range sectors {
			all = append(all, sectors[:i:i], slices.Concat(sectors[:i], sectors[i+1:]), sectors[i:i+1:i+1])
		}
	}
	return all
}
