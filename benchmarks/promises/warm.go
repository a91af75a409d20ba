package promises

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
)

const (
	hotKeys  = 1000
	theSHA   = "one SHA-256 of the key's text"
	sequence = 1 << 14 // of presented keys, where they are few
	draws    = 1 << 20 // of presented keys, where they are many
)

// hot returns warm keys, and the order to present them in.
func hot(ctx context.Context) (*warmKeys, []uint32, error) {
	k, err := newKeys(ctx, hotKeys)
	if err != nil {
		return nil, nil, err
	}
	w, err := k.warm(ctx)
	if err != nil {
		return nil, nil, err
	}
	r := random()
	order := make([]uint32, 0, sequence+hotKeys)
	for len(order) < sequence {
		for _, i := range r.Perm(hotKeys) {
			order = append(order, uint32(i))
		}
	}
	return w, order[:sequence], nil
}

// random is the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// verifyHot and hashHot present slots[order[i]].
func verifyHot(ctx context.Context, v *apikey.Verifier, slots []slot, order []uint32) measure.Loop {
	return func(from, n int) error {
		for i := from; i < from+n; i++ {
			if _, err := v.Verify(ctx, slots[order[i%sequence]].String()); err != nil {
				return err
			}
		}
		return nil
	}
}

func hashHot(slots []slot, order []uint32) measure.Loop {
	var sink atomic.Uint32 // keeps the sums from being left out
	return func(from, n int) error {
		var all byte
		for i := from; i < from+n; i++ {
			sum := sha256.Sum256(slots[order[i%sequence]].text[:])
			all ^= sum[0]
		}
		sink.Store(uint32(all))
		return nil
	}
}

func warm(ctx context.Context, l *Lab) (lines []Line, err error) {
	w, order, err := hot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.verifier.Close()) }()
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "Verify", Loop: verifyHot(ctx, w.verifier, w.slots, order)},
		&measure.Contender{Name: "SHA-256", Loop: hashHot(w.slots, order)})
	if err != nil {
		return nil, err
	}
	return []Line{
		ratio("warm `Verify`, 1,000 keys with an expiry, serial", theSHA, atMost(1), all[0], all[1]),
		noAllocs("warm `Verify`, allocations", all[0]),
	}, nil
}

// secondCore is what SHA-256, which waits for nothing, gains if there is one. Where it gains less others
// have it, and that the library gains as little says nothing.
const secondCore = 1.8

func cores(ctx context.Context, l *Lab) (lines []Line, err error) {
	if allCores() < 2 {
		return nil, nil
	}
	w, order, err := hot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.verifier.Close()) }()
	verify, sum := verifyHot(ctx, w.verifier, w.slots, order), hashHot(w.slots, order)
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "Verify, one core", Loop: verify},
		&measure.Contender{Name: "Verify, two cores", Loop: verify, Workers: 2},
		&measure.Contender{Name: "SHA-256, one core", Loop: sum},
		&measure.Contender{Name: "SHA-256, two cores", Loop: sum, Workers: 2})
	if err != nil {
		return nil, err
	}
	verifies, sums := measure.Ratios(all[0], all[1]), measure.Ratios(all[2], all[3])
	gain := Line{What: "warm `Verify`, what a second core gains", Against: "what it gains for that SHA-256", Target: atLeast(0.95)}
	for i := range verifies {
		if sums[i] >= secondCore {
			gain.Values = append(gain.Values, verifies[i]/sums[i])
		}
	}
	if gain.What += fmt.Sprintf(", in the %d of %d rounds in which there was one", len(gain.Values), len(sums)); len(gain.Values) == 0 {
		gain.Target, gain.Values = nil, verifies
		gain.What, gain.Against = "**not measured**: what a second core gains, as there was none", "one core"
	}
	return []Line{gain,
		{What: "warm `Verify`, throughput on two cores", Against: "on one", Values: verifies, Nanos: all[1].Nanos(), AgainstNanos: all[0].Nanos()},
		{What: "that SHA-256, throughput on two cores", Against: "on one", Values: sums, Nanos: all[3].Nanos(), AgainstNanos: all[2].Nanos()},
	}, nil
}

// record is what a program without this library would have in its map.
type record struct {
	expires int64
	_       [40]byte // an owner, scopes
}

func warmMany(ctx context.Context, l *Lab) ([]Line, error) {
	w, err := l.manyKeys(ctx)
	if err != nil {
		return nil, err
	}
	plain := make(map[[16]byte]*record, len(w.slots))
	for i := range w.slots {
		plain[w.slots[i].id] = &record{expires: int64(i)}
	}
	// The texts lie in the order in which they come, as those of requests are in the
	// processor's cache when they are parsed: what is measured is finding the key.
	r := random()
	drawn := make([]slot, draws)
	for i := range drawn {
		drawn[i] = w.slots[r.IntN(len(w.slots))]
	}
	var sink atomic.Int64
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "Verify", Loop: func(from, n int) error {
			for i := from; i < from+n; i++ {
				if _, err := w.verifier.Verify(ctx, drawn[i%draws].String()); err != nil {
					return err
				}
			}
			return nil
		}},
		&measure.Contender{Name: "map and SHA-256", Loop: func(from, n int) error {
			var all int64
			for i := from; i < from+n; i++ {
				s := &drawn[i%draws]
				sum := sha256.Sum256(s.text[:])
				all ^= int64(sum[0]) ^ plain[s.id].expires
			}
			sink.Store(all)
			return nil
		}})
	if err != nil {
		return nil, err
	}
	return []Line{ratio("warm `Verify`, "+count(len(w.slots))+" keys, uniformly random",
		"a get from a plain `map[[16]byte]*T` of the same size, reading a field of T, and that SHA-256", atMost(1.3), all[0], all[1])}, nil
}
