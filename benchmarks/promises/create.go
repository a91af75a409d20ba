package promises

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/crypto/argon2"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// creating makes keys in as many goroutines as are in the loop.
func creating(ctx context.Context, i *apikey.Issuer) measure.Loop {
	return func(from, n int) error {
		for at := range n {
			if _, _, err := i.Create(ctx, example((from+at)%1_000_000)); err != nil {
				return err
			}
		}
		return nil
	}
}

func create(ctx context.Context, l *Lab) (lines []Line, err error) {
	workers := allCores()
	file, done, err := l.bolt()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()

	contenders := []*measure.Contender{{Name: "bare argon2", Workers: workers, Loop: bareArgon2}}
	for _, on := range []struct {
		name  string
		store apikey.Store
	}{{"memstore", memstore.New()}, {"boltstore", file}} {
		gate, err := hash.NewGate(workers, 0, 0)
		if err != nil {
			return nil, err
		}
		issuer, err := apikey.NewIssuer(on.store, &apikey.IssuerOptions{Gate: gate})
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, &measure.Contender{Name: on.name, Workers: workers, Loop: creating(ctx, issuer)})
	}
	// All rounds: the pauses that argon2's memory costs are in few of its calls.
	all, err := measure.Options{Rounds: l.Rounds, Slice: 4 * l.Slice}.Run(ctx, contenders...)
	if err != nil {
		return nil, err
	}
	for i, c := range contenders[1:] {
		what := fmt.Sprintf("`Create`, default cost, %s, %d goroutines and permits: rate", c.Name, workers)
		lines = append(lines, Line{What: what, Against: fmt.Sprintf("that of %d goroutines doing bare argon2", workers),
			Target: atLeast(0.9), Values: measure.Ratios(all[0], all[i+1]), Nanos: all[i+1].Nanos(), AgainstNanos: all[0].Nanos()})
	}
	return lines, nil
}

// bareArgon2 does nothing but the hash of a new key.
func bareArgon2(_, n int) error {
	p := hash.Default()
	var secret [24]byte
	var salt [16]byte
	for range n {
		rand.Read(secret[:])
		rand.Read(salt[:])
		argon2.IDKey(secret[:], salt[:], p.Time, p.Memory, p.Threads, 32)
	}
	return nil
}

// atOnce is how many create at the same time where they should share commits.
const atOnce = 64

func commits(ctx context.Context, l *Lab) (lines []Line, err error) {
	store, done, err := l.bolt()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	issuer, err := tinyIssuer(store, nil)
	if err != nil {
		return nil, err
	}
	loop := creating(ctx, issuer)
	all, err := l.Options.Run(ctx,
		&measure.Contender{Name: "one at a time", Loop: loop},
		&measure.Contender{Name: "64 at once", Loop: loop, Workers: atOnce})
	if err != nil {
		return nil, err
	}
	perCommit, err := l.perCommit(ctx, max(atOnce, l.Refused/16))
	if err != nil {
		return nil, err
	}
	return []Line{
		{What: fmt.Sprintf("`Create`s in one commit of bbolt, %d at once", atOnce), Unit: Creates, Values: []float64{perCommit},
			Target: &Target{Bound: math.Nextafter(1, 2), AtLeast: true, Text: "over 1"}},
		{What: fmt.Sprintf("`Create` with next to no argon2, bbolt, %d at once: rate", atOnce), Against: "one at a time",
			Values: measure.Ratios(all[0], all[1]), Nanos: all[1].Nanos(), AgainstNanos: all[0].Nanos()},
	}, nil
}

// perCommit makes n keys and counts the transactions that bbolt numbered meanwhile.
func (l *Lab) perCommit(ctx context.Context, n int) (perCommit float64, err error) {
	dir, err := os.MkdirTemp(l.Dir, "apikey-promises-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "keys.db")
	var numbers [2]int
	for i, creates := range []int{1, n} { // the first makes the file and the seed
		store, err := boltstore.Open(path, nil)
		if err != nil {
			return 0, err
		}
		issuer, err := tinyIssuer(store, nil)
		if err == nil {
			err = each(creates, atOnce, func(i int) error {
				_, _, err := issuer.Create(ctx, example(i))
				return err
			})
		}
		if err := errors.Join(err, store.Close()); err != nil {
			return 0, err
		}
		if numbers[i], err = lastTransaction(path); err != nil {
			return 0, err
		}
	}
	return float64(n) / float64(numbers[1]-numbers[0]), nil
}

// lastTransaction returns the number of the last commit to a file that nobody has open.
func lastTransaction(path string) (number int, err error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return number, db.View(func(tx *bbolt.Tx) error {
		number = tx.ID()
		return nil
	})
}
