package promises

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// sharing is how many goroutines fill a bbolt file, so that they share commits.
const sharing = 512

func cold(ctx context.Context, l *Lab) (lines []Line, err error) {
	store, done, err := l.bolt()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	k, err := newKeysOn(ctx, store, l.BoltKeys, sharing)
	if err != nil {
		return nil, err
	}
	// A cache that holds nothing: every call finds its key cold.
	v, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Keyring: k.ring, CacheBytes: 1})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if _, err := v.Verify(ctx, k.slots[0].String()); err != nil { // reads the seed, too, once for ever
		return nil, err
	}
	r := random()
	drawn := make([]slot, 1<<17)
	for i := range drawn {
		drawn[i] = k.slots[r.IntN(len(k.slots))]
	}
	before := v.Stats()
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "Verify", Loop: func(from, n int) error {
			for i := from; i < from+n; i++ {
				if _, err := v.Verify(ctx, drawn[i%len(drawn)].String()); err != nil {
					return err
				}
			}
			return nil
		}},
		&measure.Contender{Name: "Store.Get", Loop: func(from, n int) error {
			for i := from; i < from+n; i++ {
				if _, err := store.Get(ctx, apikey.ID(drawn[i%len(drawn)].id)); err != nil {
					return err
				}
			}
			return nil
		}})
	if err != nil {
		return nil, err
	}
	after := v.Stats()
	if calls, reads := after.Accepted-before.Accepted, after.StoreReads-before.StoreReads; reads != calls || after.Warm != before.Warm || after.Argon2Runs != 0 {
		return nil, fmt.Errorf("%d calls made %d reads, %d were warm, %d ran argon2", calls, reads, after.Warm-before.Warm, after.Argon2Runs)
	}
	return []Line{
		ratio("cold `Verify` with a keyring, "+count(len(k.slots))+" keys in bbolt, a read for each call by the counters", "`Store.Get` of the same keys", atMost(2), all[0], all[1]),
		{What: "cold `Verify` with a keyring, allocations", Unit: Allocations, Values: []float64{all[0].Allocs()}},
		{What: "`Store.Get` of bbolt, allocations", Unit: Allocations, Values: []float64{all[1].Allocs()}},
	}, nil
}

// bolt opens a new bbolt file. done closes and removes it.
func (l *Lab) bolt() (store *boltstore.Store, done func() error, err error) {
	dir, err := os.MkdirTemp(l.Dir, "apikey-promises-")
	if err != nil {
		return nil, nil, err
	}
	store, err = boltstore.Open(filepath.Join(dir, "keys.db"), nil)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return store, func() error { return errors.Join(store.Close(), os.RemoveAll(dir)) }, nil
}
