package main

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// kind is one of what a flood may consist of.
type kind struct {
	name  string
	err   error // what a Verifier says to it
	texts func(live []string, n int) []string
}

// single are the kinds, from what gets farthest to what is refused first.
var single = []kind{
	{"forged, id known", apikey.ErrUnknown, each(forgeKnown)},
	{"forged, id unknown", apikey.ErrUnknown, each(forgeUnknown)},
	{"garbage, wrong checksum", apikey.ErrMalformed, each(spoil)},
	{"garbage, wrong length", apikey.ErrMalformed, each(cut)},
	{"empty", apikey.ErrMalformed, func(_ []string, n int) []string { return make([]string, n) }},
}

// kinds are these, and a flood of all of them in random order.
var kinds = append(slices.Clip(single), kind{"all of these, mixed", nil, mixed})

func mixed(live []string, n int) []string {
	all := make([][]string, len(single))
	for i, k := range single {
		all[i] = k.texts(live, n)
	}
	r := rand.New(rand.NewPCG(5, 6))
	texts := make([]string, n)
	for i := range texts {
		texts[i] = all[r.IntN(len(all))][i]
	}
	return inOne(texts)
}

func each(f func(*rand.Rand, string) string) func([]string, int) []string {
	return func(live []string, n int) []string {
		r := rand.New(rand.NewPCG(3, 4)) // the same in each run
		all := make([]string, n)
		for i := range all {
			all[i] = f(r, live[i%len(live)])
		}
		return inOne(all)
	}
}

// inOne puts texts into one piece of memory, so that the garbage collector, if a flood makes it run, has one thing
// to mark and not a hundred thousand: its work is to be that of a server, and not of this program.
func inOne(texts []string) []string {
	whole, at := strings.Join(texts, ""), 0
	for i, text := range texts {
		texts[i] = whole[at : at+len(text)]
		at += len(text)
	}
	return texts
}

// The end of a key's text, as its form is documented: 11 digits a word.
const (
	word     = 11
	secretAt = 2 * word // after the prefix
	tagAt    = 5 * word
	bodyEnd  = 6 * word
	body     = bodyEnd + 6 // with the checksum
)

// forgeKnown is the text of a live key with another secret and another tag, that of a first credential.
func forgeKnown(r *rand.Rand, live string) string {
	text := []byte(live[:len(live)-6])
	digits := text[len(live)-body:]
	for at := secretAt; at < tagAt; at += word {
		setWord(digits[at:], r.Uint64())
	}
	setWord(digits[tagAt:], 1<<48|r.Uint64()>>16)
	return withChecksum(text)
}

// forgeUnknown makes up the id, too.
func forgeUnknown(r *rand.Rand, live string) string {
	text := []byte(forgeKnown(r, live))
	digits := text[len(text)-body:]
	var id apikey.ID
	binary.BigEndian.PutUint64(id[:], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80 // the form of a UUIDv7
	setWord(digits, binary.BigEndian.Uint64(id[:]))
	setWord(digits[word:], binary.BigEndian.Uint64(id[8:]))
	return withChecksum(text[:len(text)-6])
}

// spoil is a forged text with a wrong checksum: only the checksum tells it.
func spoil(r *rand.Rand, live string) string {
	text := []byte(forgeUnknown(r, live))
	last := &text[len(text)-1]
	if *last == '0' {
		*last = '1'
	} else {
		*last = '0'
	}
	return string(text)
}

// cut is too short to be a key: the shortest has a prefix of one letter.
func cut(r *rand.Rand, live string) string {
	return forgeUnknown(r, live)[:1+r.IntN(body)]
}

const digitsOfKeys = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func setWord(to []byte, w uint64) { setDigits(to[:word], w) }

func setDigits(to []byte, n uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = digitsOfKeys[n%62]
		n /= 62
	}
}

func withChecksum(text []byte) string {
	var sum [6]byte
	setDigits(sum[:], uint64(crc32.ChecksumIEEE(text)))
	return string(text) + string(sum[:])
}
