//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// history is what children have done to a file.
type history struct {
	path    string
	before  map[string][]byte // the files that were on the disk, by path
	ledger  *ledger           // what was acknowledged by then
	calls   []call
	without map[int]bool // calls that are left out: what would be if they were not made
	from    int          // the call before which nothing is examined
	read    *read
}

// read is that a child had what an earlier one has left.
type read struct {
	at   int // the call before which it began
	what *contents
}

// clone is for what examines a ledger while the history goes on.
func (l *ledger) clone() *ledger {
	c := *l
	c.keys, c.creating = make(map[string]*key), maps.Clone(l.creating)
	for id, k := range l.keys {
		k := *k
		k.texts = slices.Clip(k.texts)
		c.keys[id] = &k
	}
	return &c
}

// situation is one that a power failure can leave.
type situation struct {
	files  map[string][]byte
	ledger *ledger
	about  string
}

// situations hands out each that can be between the calls of h, once. Just before a sync ends there are all those
// that were possible since the one before, and what was acknowledged until then must be there in each.
func (h *history) situations(dice *rand.Rand, visit func(situation) bool) error {
	d, l := newDisk(filepath.Dir(h.path), h.before), h.ledger.clone()
	seed, seen := maphash.MakeSeed(), make(map[uint64]bool)
	stopped := false
	look := func(at int) {
		if at < h.from {
			return
		}
		for n, kept := range states(d.pending, dice) {
			s := situation{d.after(kept), l, fmt.Sprintf("before call %d of %d ended, with %d changes pending, state %d", at, len(h.calls), len(d.pending), n)}
			if key := s.key(seed); !stopped && !seen[key] {
				seen[key] = true
				stopped = !visit(s)
			}
		}
	}
	for i, c := range h.calls {
		if h.read != nil && h.read.at == i {
			l = l.clone()
			l.adopt(h.read.what)
		}
		switch {
		case h.without[i]:
		case c.name == "say":
			text, err := unescape(c.args[1])
			if err != nil {
				return err
			}
			l = l.clone()
			for text := range bytes.Lines(text) {
				said, err := parseLine(string(text))
				if err == nil {
					err = l.note(said)
				}
				if err != nil {
					return err
				}
			}
		default:
			if err := d.apply(i, &c, func() { look(i) }); err != nil {
				return fmt.Errorf("call %d, %s of %s: %w", i, c.name, c.path, err)
			}
		}
		if stopped {
			return nil
		}
	}
	look(len(h.calls))
	return nil
}

// key is another for another situation.
func (s *situation) key(seed maphash.Seed) uint64 {
	var hash maphash.Hash
	hash.SetSeed(seed)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		fmt.Fprintf(&hash, "%s %d ", name, len(s.files[name]))
		hash.Write(s.files[name])
	}
	fmt.Fprintf(&hash, "%p", s.ledger)
	return hash.Sum64()
}

// try examines all situations, and returns how many they were and the first in which something was lost.
func (h *history) try(t *testing.T) (n int64, loss error) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	scratch := scratch(t)
	var once sync.Once
	var failed atomic.Bool
	var examined atomic.Int64
	todo := make(chan situation)
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for s := range todo {
				name, dir := filepath.Base(h.path), filepath.Join(scratch, fmt.Sprint(examined.Add(1)))
				if err := errors.Join(s.put(dir), s.examine(t.Context(), filepath.Join(dir, name)), os.RemoveAll(dir)); err != nil {
					once.Do(func() {
						loss = errors.Join(fmt.Errorf("%s: %w", s.about, err), s.put(filepath.Join(t.ArtifactDir(), "lost")))
					})
					failed.Store(true)
				}
			}
		})
	}
	err := h.situations(rand.New(rand.NewPCG(seed, 0)), func(s situation) bool {
		todo <- s
		return !failed.Load()
	})
	close(todo)
	all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return examined.Load(), loss
}

// put makes a folder of the files.
func (s *situation) put(dir string) error {
	err := os.Mkdir(dir, 0o700)
	for path, data := range s.files {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600))
	}
	return err
}

// examine has a service start again.
func (s *situation) examine(ctx context.Context, path string) error {
	_, err := s.ledger.examine(ctx, path)
	return err
}

// scratch is a folder in memory, if there is one: the thousands of files need no disk.
func scratch(t *testing.T) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "crash-"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}
