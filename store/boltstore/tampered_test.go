package boltstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// sample returns a file with some of everything, deleted keys among it, without the room that
// bbolt keeps at the end, and a print of all it holds.
func sample(t testing.TB, keys int) (file []byte, content string) {
	t.Helper()
	s, path := openNew(t)
	create(t, s, 0, keys)
	var uses []apikey.Use
	for n := range keys {
		uses = append(uses, apikey.Use{ID: id(n), Number: 1, At: created})
	}
	errs := []error{s.RecordUse(t.Context(), uses), s.SwapValue(t.Context(), "seed", nil, []byte("0123456789abcdef"))}
	for n := 0; n < keys; n += 7 {
		errs = append(errs, s.Delete(t.Context(), id(n)))
	}
	content, err := dump(t.Context(), s)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	used := boltstore.Used(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file[:used], content
}

// dump reads all that there is, in every way.
func dump(ctx context.Context, s *boltstore.Store) (string, error) {
	var b strings.Builder
	walk := func(f apikey.Filter) error {
		for before, more := (apikey.ID{}), true; more; more = !before.IsZero() {
			page, next, err := s.List(ctx, f, before, 100)
			if err != nil {
				return err
			}
			for _, r := range page {
				got, err := s.Get(ctx, r.ID)
				if err != nil {
					return err
				}
				fmt.Fprintf(&b, "%+v %+v\n", r, got)
			}
			before = next
		}
		n, err := s.Count(ctx, f)
		fmt.Fprintf(&b, "%d of %q\n", n, f.Subject)
		return err
	}
	errs := []error{walk(apikey.Filter{})}
	for n := range 10 {
		errs = append(errs, walk(apikey.Filter{Subject: record(n).Subject}))
	}
	seed, err := s.Value(ctx, "seed")
	fmt.Fprintf(&b, "seed %q\n", seed)
	log, logErr := s.Changes(ctx, time.Hour)
	slices.SortFunc(log, func(a, b apikey.Logged) int { return a.ID.Compare(b.ID) })
	fmt.Fprintf(&b, "log %v\n", log)
	return b.String(), errors.Join(append(errs, err, logErr)...)
}

// wantCorruptOrSame opens a file that was tampered with. It must be ErrCorrupt, or hold exactly
// what it held.
func wantCorruptOrSame(t *testing.T, how string, file []byte, content string) (opened bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.Open(path, nil)
	if errors.Is(err, boltstore.ErrCorrupt) {
		return false
	}
	if err != nil {
		t.Errorf("%s: Open answered %v", how, err)
		return false
	}
	defer s.Close()
	got, err := dump(t.Context(), s)
	if err != nil || got != content {
		t.Errorf("%s: it opens and holds something else; reading it answered %v", how, err)
	}
	wantCorruptOrSameSparsely(t, how, file, content)
	writeAll(t, how, s, path)
	return true
}

// damage counts what became of files that were tampered with. Opening many takes its time.
type damage struct {
	noticed, opened int
	late            int // noticed in a leaf that Open leaves for later, where it does
}

// try checks a file that was tampered with, and opens some of those that pass, and a few of the others.
func (d *damage) try(t *testing.T, how string, tampered []byte, content string) {
	t.Helper()
	err := boltstore.CheckBytes(tampered)
	leaves, sparsely := boltstore.CheckBytesSparsely(tampered)
	if (sparsely == nil) != (err == nil) || sparsely != nil && !errors.Is(sparsely, boltstore.ErrCorrupt) {
		t.Errorf("%s: as a whole %v; first without its leaves %v", how, err, sparsely)
	}
	if leaves > 0 && sparsely != nil {
		d.late++
	}
	switch {
	case err != nil && !errors.Is(err, boltstore.ErrCorrupt):
		t.Fatalf("%s: %v", how, err)
	case err != nil:
		if d.noticed++; d.noticed%200 == 1 && wantCorruptOrSame(t, how, tampered, content) {
			t.Errorf("%s: it opens", how)
		}
		if d.noticed%20 == 1 {
			wantCorruptOrSameSparsely(t, how, tampered, content)
		}
	default:
		if d.opened++; d.opened%40 == 1 || d.opened < 5 { // wherever in the file it was
			wantCorruptOrSame(t, how, tampered, content) // a bucket's name is checked last
		}
	}
}

func (d *damage) end(t *testing.T) {
	t.Logf("noticed %d times, of these %d in leaves that are left for later; %d times it changed nothing", d.noticed, d.late, d.opened)
	if d.noticed == 0 || d.opened == 0 {
		t.Error("the test does not test")
	}
}

// livePages returns where the pages begin that hold something.
func livePages(t *testing.T, file []byte) (starts []int) {
	t.Helper()
	page := os.Getpagesize()
	for start := 2 * page; start < len(file); start += page {
		tampered := slices.Clone(file)
		clear(tampered[start : start+page])
		if boltstore.CheckBytes(tampered) != nil {
			starts = append(starts, start)
		}
	}
	return starts
}
