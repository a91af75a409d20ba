package boltstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// together calls all at once, so that they share commits.
func together(t testing.TB, operations []func() error) {
	t.Helper()
	if err := tryTogether(operations); err != nil {
		t.Fatal(err)
	}
}

func tryTogether(operations []func() error) (err error) {
	errs := make(chan error, len(operations))
	for _, operation := range operations {
		go func() { errs <- operation() }()
	}
	for range operations {
		err = errors.Join(err, <-errs)
	}
	return err
}

// TestSoundFilesOpen creates, replaces and deletes records of all sizes, at times all of
// them, and checks the file after each step and opens it again. To refuse a file that is sound would be the
// worst that the check of the structure can do.
func TestSoundFilesOpen(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	upTo := func(bits int) int { return random.IntN(1 << random.IntN(bits)) } // small ones more often
	sized := func(n int) *apikey.Record {
		r := record(n)
		r.Claims = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte("x"), upTo(17)))
		r.Subject = string(bytes.Repeat([]byte("s"), upTo(11)))
		return r
	}
	s, path := openNew(t)
	versions := make(map[int]uint64) // of what is there
	next := 0
	for step := range 30 {
		var creates, others []func() error
		for range upTo(10) {
			r := sized(next)
			creates = append(creates, func() error { return s.Create(t.Context(), r) })
			versions[next] = 1
			next++
		}
		share := random.Float64()
		for n := range versions {
			switch {
			case step%8 == 7 || random.Float64() < share:
				others = append(others, func() error { return s.Delete(t.Context(), id(n)) })
				delete(versions, n)
			case random.IntN(10) == 0:
				r := sized(n)
				r.Version = versions[n]
				others = append(others, func() error { return s.Replace(t.Context(), r) })
				versions[n]++
			}
		}
		together(t, creates)
		together(t, others)

		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := boltstore.CheckBytes(file); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if err := boltstore.Check(s); err != nil {
			t.Fatalf("step %d: bbolt finds the file damaged: %v", step, err)
		}
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != len(versions) || err != nil {
			t.Fatalf("step %d: %d records, %v, want %d", step, n, err, len(versions))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if step%2 == 0 {
			s = open(t, path, nil)
		} else if s, err = boltstore.OpenLarge(path, nil); err != nil {
			t.Fatalf("step %d: as a large file: %v", step, err)
		}
		for n, version := range versions {
			if r, err := s.Get(t.Context(), id(n)); err != nil || r.Version != version {
				t.Fatalf("step %d: record %d is %+v, %v, want version %d", step, n, r, err, version)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
