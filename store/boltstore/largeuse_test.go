package boltstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestLargeUnreadIsUntouched: bbolt reads, changes and frees no leaf that was not checked before,
// whatever is created, replaced and deleted, and whatever merges because of it. So each page
// that waits is still a leaf of the tree, as it was.
func TestLargeUnreadIsUntouched(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path, nil)
	create(t, s, 0, 600)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	oldLog(t, path, 1200) // which goes a little with each deletion
	page, native := os.Getpagesize(), binary.NativeEndian
	there := make(map[int]bool)
	for n := range 600 {
		there[n] = true
	}
	next, waited := 600, 0
	for step := range 25 {
		s, err := boltstore.OpenSparsely(path, nil)
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var all []func() error
		from, length := random.IntN(next), random.IntN(120) // neighbours vanish together, so that leaves and branches merge
		if step%2 == 0 {
			// Of the first leaf, so that it merges with the one behind it.
			for from = 0; !there[from]; from++ {
			}
			length = 2 + random.IntN(5)
		}
		for n := from; n < from+length; n++ {
			if there[n] && (step%2 == 0 || random.IntN(8) > 0) {
				all = append(all, func() error { return s.Delete(t.Context(), id(n)) })
				delete(there, n)
			}
		}
		for range random.IntN(80) {
			n := next
			next++
			there[n] = true
			all = append(all, func() error { return s.Create(t.Context(), record(n)) })
		}
		together(t, all)
		if _, _, err := s.List(t.Context(), apikey.Filter{Subject: fmt.Sprint("user_", step%10)}, id(random.IntN(next)), 3); err != nil {
			t.Fatal(err)
		}

		after, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		children := boltstore.Children(after)
		for _, id := range boltstore.Unchecked(s) {
			start := int(id) * page
			waited++
			if !children[id] {
				t.Fatalf("step %d: page %d was not checked, and is no longer in the tree", step, id)
			}
			if n := start + page*int(1+native.Uint32(before[start+12:])); !slices.Equal(before[start:n], after[start:n]) {
				t.Fatalf("step %d: page %d was not checked, and has changed", step, id)
			}
		}
		if left, _ := boltstore.Sweep(s); left > 0 {
			t.Fatalf("step %d: %d leaves are left", step, left)
		}
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != len(there) || err != nil {
			t.Fatalf("step %d: %d records, %v, want %d", step, n, err, len(there))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, path, nil)
	if left := boltstore.LogLength(s); waited == 0 || left < 300 || left > 1150 {
		t.Errorf("the log has %d entries: the test does not test", left)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
}

// TestLargeInUse: everything goes on while the leaves are being checked, and none is left out.
func TestLargeInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path, nil)
	create(t, s, 0, 2000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.OpenSparsely(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := range 50 {
				n := w + 4*i
				errs := []error{s.Create(t.Context(), record(2000+n)), s.Delete(t.Context(), id(7*n))}
				_, err := s.Get(t.Context(), id(7*n+3))
				_, _, listErr := s.List(t.Context(), apikey.Filter{Subject: fmt.Sprint("user_", n%10)}, apikey.ID{}, 20)
				if err := errors.Join(append(errs, err, listErr)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if left, forgotten := boltstore.Sweep(s); left > 0 || !forgotten {
		t.Errorf("%d leaves are left; forgotten: %v", left, forgotten)
	}
	group.Wait()
	if n, err := s.Count(t.Context(), apikey.Filter{}); n != 2000 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	if err := boltstore.Check(s); err != nil {
		t.Error(err)
	}
}

// TestLargeClose: Close ends the checking, and waits until it has ended.
func TestLargeClose(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 400)
	three := id(3)
	damaged := damageLeafOf(t, file, append(three[:], 1))
	s := openSparsely(t, file)
	before := len(boltstore.Unchecked(s))
	if n := boltstore.SweepWhenClosed(s); n != before {
		t.Errorf("when it is closed, %d of %d leaves are still checked", before-n, before)
	}
	synctest.Test(t, func(t *testing.T) { // which also finds goroutines that are left
		path := filepath.Join(t.TempDir(), "keys.db")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := boltstore.OpenSparsely(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		told, goOn := 0, make(chan struct{})
		s.Watch(func(apikey.Change) { // by the goroutine that checks, and then by Close
			if told++; told == 1 {
				<-goOn
			}
		})
		go boltstore.Sweep(s)
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close has returned and the leaves are still being checked")
		default:
		}
		close(goOn)
		if err := <-closed; err != nil || told != 2 {
			t.Errorf("Close answered %v; watchers were told %d times", err, told)
		}
	})
}

// TestLargeWrittenBetween: Open lets go of the file for a moment after it has looked at the branches.
// What another writes then must not be taken for damage, nor be overwritten.
func TestLargeWrittenBetween(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s := open(t, path, nil)
	create(t, s, 0, 300)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	moments := 0
	s, err := boltstore.OpenMeanwhile(path, func() {
		if moments++; moments > 2 {
			return
		}
		other, err := boltstore.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, other, moments*300, moments*300+300)
		for n := range 100 {
			err = errors.Join(err, other.Delete(t.Context(), id(3*n+moments)))
		}
		if err := errors.Join(err, other.Close()); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := boltstore.Sweep(s); left > 0 || moments != 3 {
		t.Errorf("%d leaves are left; Open let go %d times", left, moments)
	}
	if n, err := s.Count(t.Context(), apikey.Filter{}); n != 700 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
}
