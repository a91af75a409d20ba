package promises

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
)

var errAccepted = errors.New("what should be refused was accepted")

// refuse presents texts that are to be refused.
func refuse(ctx context.Context, v *apikey.Verifier, count int, text func(i int) string) measure.Loop {
	return func(from, n int) error {
		for i := from; i < from+n; i++ {
			if _, err := v.Verify(ctx, text(i%count)); err == nil {
				return errAccepted
			}
		}
		return nil
	}
}

// hashAll sums the texts of slots, one after the other.
func hashAll(slots []slot) measure.Loop {
	var sink atomic.Uint32
	return func(from, n int) error {
		var all byte
		for i := from; i < from+n; i++ {
			sum := sha256.Sum256(slots[i%len(slots)].text[:])
			all ^= sum[0]
		}
		sink.Store(uint32(all))
		return nil
	}
}

// refusedCheaply is an error if between two looks at the counters anything moved but one kind of
// refusal: a store read, a run of argon2, an entry of the cache. What is written of the last uses of
// other keys does not count.
func refusedCheaply(before, after apikey.Stats, refusals func(*apikey.Stats) *uint64) error {
	moved := after
	moved.LastUsedWrites, moved.LastUsedFailures = before.LastUsedWrites, before.LastUsedFailures
	if *refusals(&moved) == *refusals(&before) {
		return errors.New("nothing was refused for the reason expected")
	}
	if *refusals(&moved) = *refusals(&before); moved != before {
		return fmt.Errorf("refusals cost more than a refusal: %+v before and %+v after", before, after)
	}
	return nil
}

func garbage(ctx context.Context, l *Lab) ([]Line, error) {
	w, err := l.manyKeys(ctx)
	if err != nil {
		return nil, err
	}
	r := random()
	slots, drawn := make([]slot, l.Refused), make([]slot, l.Refused)
	for i := range slots {
		if slots[i], err = forge(r, w.slots[i%len(w.slots)].id); err != nil {
			return nil, err
		}
		last := &slots[i].text[textLen-1]
		*last = digits[(strings.IndexByte(digits, *last)+1)%len(digits)]
		copy(drawn[i].text[:], "ak_")
		for at := 3; at < textLen; at++ {
			drawn[i].text[at] = digits[r.IntN(len(digits))]
		}
		if _, err := apikey.KeyID(drawn[i].String()); err == nil { // 1 in 4 thousand million
			drawn[i].text[textLen-1] ^= 1
		}
	}
	text := slots[0].String()
	wrong := []string{text[:textLen-1], text + "0", text[:40], text + text, "ak_", text[3:], text + text + text, "x"}

	before := w.verifier.Stats()
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "wrong checksums", Loop: refuse(ctx, w.verifier, len(slots), func(i int) string { return slots[i].String() })},
		&measure.Contender{Name: "random digits", Loop: refuse(ctx, w.verifier, len(drawn), func(i int) string { return drawn[i].String() })},
		&measure.Contender{Name: "wrong lengths", Loop: refuse(ctx, w.verifier, len(wrong), func(i int) string { return wrong[i] })},
		&measure.Contender{Name: "empty", Loop: refuse(ctx, w.verifier, 1, func(int) string { return "" })},
		&measure.Contender{Name: "SHA-256", Loop: hashAll(slots)})
	if err != nil {
		return nil, err
	}
	if err := refusedCheaply(before, w.verifier.Stats(), func(s *apikey.Stats) *uint64 { return &s.Malformed }); err != nil {
		return nil, err
	}
	cached := ", with " + count(len(w.slots)) + " keys cached"
	return []Line{
		ratio("garbage: "+count(len(slots))+" texts, right but for the last digit of the checksum"+cached, theSHA, atMost(0.35), all[0], all[4]),
		ratio("garbage: "+count(len(drawn))+" texts of random digits, of whose checksums 12 in 13 are above 32 bits"+cached, theSHA, atMost(0.35), all[1], all[4]),
		ratio("garbage: wrong length"+cached, theSHA, atMost(0.35), all[2], all[4]),
		ratio("garbage: empty"+cached, theSHA, atMost(0.35), all[3], all[4]),
		noAllocs("garbage: wrong checksums, allocations", all[0]),
		noAllocs("garbage: random digits, allocations", all[1]),
		noAllocs("garbage: wrong length, allocations", all[2]),
		noAllocs("garbage: empty, allocations", all[3]),
	}, nil
}

func forged(ctx context.Context, l *Lab) ([]Line, error) {
	w, err := l.manyKeys(ctx)
	if err != nil {
		return nil, err
	}
	r := random()
	known, unknown := make([]slot, l.Refused), make([]slot, l.Refused)
	for i := range known {
		id := w.slots[r.IntN(len(w.slots))].id
		if known[i], err = forge(r, id); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint64(id[8:], r.Uint64()&(1<<62-1)|1<<63) // the random half of a UUIDv7
		if unknown[i], err = forge(r, id); err != nil {
			return nil, err
		}
	}

	before := w.verifier.Stats()
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "known id", Loop: refuse(ctx, w.verifier, len(known), func(i int) string { return known[i].String() })},
		&measure.Contender{Name: "unknown id", Loop: refuse(ctx, w.verifier, len(unknown), func(i int) string { return unknown[i].String() })},
		&measure.Contender{Name: "SHA-256", Loop: hashAll(known)})
	if err != nil {
		return nil, err
	}
	if err := refusedCheaply(before, w.verifier.Stats(), func(s *apikey.Stats) *uint64 { return &s.Unknown }); err != nil {
		return nil, err
	}
	const note = "; no store read and no argon2 by the counters"
	return []Line{
		ratio("forged with a good checksum, id known"+note, theSHA, atMost(4), all[0], all[2]),
		ratio("forged with a good checksum, id unknown"+note, theSHA, atMost(4), all[1], all[2]),
		{What: "forged, id known, allocations", Unit: Allocations, Values: []float64{all[0].Allocs()}},
		{What: "forged, id unknown, allocations", Unit: Allocations, Values: []float64{all[1].Allocs()}},
	}, nil
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// forge makes what anyone can make who knows an id and the form of a key: a text with a secret and a tag of
// one's own, and the right checksum.
func forge(r *rand.Rand, id [16]byte) (slot, error) {
	text := []byte("ak_")
	for _, word := range []uint64{binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]),
		r.Uint64(), r.Uint64(), r.Uint64(), 1<<48 | r.Uint64()>>16} { // of the tag, number 1
		text = appendDigits(text, word, 11)
	}
	text = appendDigits(text, uint64(crc32.ChecksumIEEE(text)), 6)
	s, err := newSlot(string(text))
	if err == nil && s.id != id {
		err = errors.New("a forged text has another id")
	}
	return s, err
}

func appendDigits(text []byte, word uint64, n int) []byte {
	text = append(text, make([]byte, n)...)
	for i := range n {
		text[len(text)-1-i] = digits[word%62]
		word /= 62
	}
	return text
}
