package boltstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	return b.String(), errors.Join(append(errs, err)...)
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
	if err := s.Create(t.Context(), record(100_000)); err != nil {
		t.Errorf("%s: it opens, and Create answered %v", how, err)
	}
	return true
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 40)
	page := os.Getpagesize()
	lengths := []int{1, 15, 16, 63, 64, 79, 80, 1023, 1024, 1025}
	for n := page; n <= len(file); n += page {
		lengths = append(lengths, n-page+17, n-1, n)
	}
	for _, n := range lengths {
		opened := wantCorruptOrSame(t, fmt.Sprintf("cut to %d bytes", n), file[:n], content)
		if opened != (n == len(file)) {
			t.Errorf("cut to %d of %d bytes: opened is %v", n, len(file), opened)
		}
	}
}

// damage counts what became of files that were tampered with.
type damage struct{ noticed, opened int }

// try checks a file that was tampered with, and opens some of those that pass, and a few of the others.
func (d *damage) try(t *testing.T, how string, tampered []byte, content string) {
	t.Helper()
	err := boltstore.CheckBytes(tampered)
	switch {
	case err != nil && !errors.Is(err, boltstore.ErrCorrupt):
		t.Fatalf("%s: %v", how, err)
	case err != nil:
		if d.noticed++; d.noticed%200 == 1 && wantCorruptOrSame(t, how, tampered, content) {
			t.Errorf("%s: it opens", how)
		}
	default:
		if d.opened++; d.opened < 25 {
			wantCorruptOrSame(t, how, tampered, content) // a bucket's name is checked last
		}
	}
}

func (d *damage) end(t *testing.T) {
	t.Logf("noticed %d times; %d times it changed nothing", d.noticed, d.opened)
	if d.noticed == 0 || d.opened == 0 {
		t.Error("the test does not test")
	}
}

// TestFlipped flips bits all over a file. The structure and every value are checked, so what
// is not noticed was in a place that nothing reads.
func TestFlipped(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 60)
	page := os.Getpagesize()
	random := rand.New(rand.NewPCG(1, 2))
	var d damage
	defer d.end(t)
	for start := 2 * page; start < len(file); start += page {
		for i := range 200 {
			at := start + i // the header and the first elements
			if i >= 100 {
				at = start + random.IntN(page)
			}
			bit := byte(1) << random.IntN(8)
			file[at] ^= bit
			d.try(t, fmt.Sprintf("bit %#x of byte %#x flipped", bit, at), file, content)
			file[at] ^= bit
		}
	}
}

// TestRootFlipped flips a bit in every byte of the page that leads to the buckets, in which
// small ones are inline.
func TestRootFlipped(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 15)
	page := os.Getpagesize()
	random := rand.New(rand.NewPCG(3, 4))
	opened := 0
	for start := 2 * page; start < len(file); start += page {
		if !bytes.Contains(file[start:start+page], []byte("subjects")) {
			continue
		}
		for at := range len(bytes.TrimRight(file[start:start+page], "\x00")) {
			bit := byte(1) << random.IntN(8)
			file[start+at] ^= bit
			if boltstore.CheckBytes(file) == nil && opened < 150 {
				opened++
				wantCorruptOrSame(t, fmt.Sprintf("bit %#x of byte %d flipped", bit, at), file, content)
			}
			file[start+at] ^= bit
		}
	}
	t.Logf("opened %d", opened)
}

// TestMetaFlipped: bbolt has two meta pages, and if the one of the last transaction is
// damaged, the one before counts. What matters is that nothing else comes of it.
func TestMetaFlipped(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 20)
	page := os.Getpagesize()
	for _, start := range []int{0, page} {
		for i := 0; i < 80; i += 5 {
			flipped := slices.Clone(file)
			flipped[start+i] ^= 0x10
			path := filepath.Join(t.TempDir(), "keys.db")
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := boltstore.Open(path, nil)
			if err != nil {
				t.Errorf("byte %d of a meta page: %v", i, err)
				continue
			}
			if _, err := dump(t.Context(), s); err != nil {
				t.Errorf("byte %d of a meta page: %v", i, err)
			}
			s.Close()
		}
	}
	both := slices.Clone(file)
	both[20], both[page+20] = 1, 1
	if wantCorruptOrSame(t, "both meta pages damaged", both, "") {
		t.Error("it opens")
	}
}

// TestPages damages whole pages.
func TestPages(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 100)
	page := os.Getpagesize()
	zeros, noise := make([]byte, page), make([]byte, page)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	var d damage
	defer d.end(t)
	for start := 2 * page; start < len(file); start += page {
		for how, with := range map[string][]byte{
			"zeroed": zeros, "noise": noise, "all ones": bytes.Repeat([]byte{0xff}, page),
			"page 0": file[:page], "the page before": file[start-page : start], "the last page": file[len(file)-page:],
		} {
			tampered := slices.Clone(file)
			copy(tampered[start:], with)
			d.try(t, fmt.Sprintf("page %d: %s", start/page, how), tampered, content)
		}
	}
}

// TestLoop: a page that leads to itself would have bbolt recurse until the stack overflows,
// which ends the process.
func TestLoop(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 300)
	page := os.Getpagesize()
	var d damage
	defer d.end(t)
	for start := 2 * page; start < len(file); start += page {
		if file[start+8] == 1 && file[start+9] == 0 { // a branch, or was one when it was free
			tampered := slices.Clone(file)
			copy(tampered[start+16+8:], file[start:start+8]) // its first child is itself
			d.try(t, fmt.Sprintf("page %d leads to itself", start/page), tampered, content)
		}
	}
}

// TestRecordCorrupt: a record that is sealed, and so was stored as it is, but is none.
func TestRecordCorrupt(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 30)
	five := record(5)
	five.Version = 1
	other, err := five.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for how, body := range map[string][]byte{
		"empty": {}, "noise": []byte("secret-bytes and more of them"), "another record": other,
	} {
		key := id(1)
		if err := boltstore.Put(s, "records", key[:], body); err != nil {
			t.Fatal(err)
		}
		calls(s, func(name string, write bool, do func(context.Context) error) {
			want := map[string]bool{"Get": true, "List": true, "Count": true, "Replace": true, "RecordUse": true}[name]
			if err := do(t.Context()); errors.Is(err, boltstore.ErrCorrupt) != want || err != nil && strings.Contains(err.Error(), "secret-bytes") {
				t.Errorf("%s: %s answered %v", how, name, err)
			}
		})
		if err := s.Delete(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s: Delete answered %v", how, err)
		}
		if _, _, err := s.List(t.Context(), apikey.Filter{Subject: record(1).Subject}, apikey.ID{}, 10); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s: List of the subject answered %v", how, err)
		}
		if _, err := s.Get(t.Context(), id(6)); err != nil {
			t.Errorf("%s: Get of a sound record answered %v", how, err)
		}
	}
}

// TestIndexCorrupt: an index that leads to a record of another subject, or to none.
func TestIndexCorrupt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 4000} {
		s, _ := openNew(t)
		create(t, s, 0, 30)
		stray := id(n)
		if err := boltstore.Put(s, "subjects", append([]byte("\x00\x06user_1"), stray[:]...), nil); err != nil {
			t.Fatal(err)
		}
		f := apikey.Filter{Subject: "user_1"}
		if _, _, err := s.List(t.Context(), f, apikey.ID{}, 100); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("List answered %v", err)
		}
		if _, err := s.Count(t.Context(), f); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Count answered %v", err)
		}
		if n, err := s.Count(t.Context(), apikey.Filter{Subject: "user_2"}); n != 3 || err != nil {
			t.Errorf("Count of another subject is %d, %v", n, err)
		}
	}
}

// TestCutWhileOpen: the process lives, and Close returns.
func TestCutWhileOpen(t *testing.T) {
	t.Parallel()
	cut := func(t *testing.T, length int64) *boltstore.Store {
		path := filepath.Join(t.TempDir(), "keys.db")
		s, err := boltstore.Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, s, 0, 300)
		if err := os.Truncate(path, length); err != nil {
			t.Fatal(err)
		}
		return s
	}
	everythingFails := func(t *testing.T, s *boltstore.Store) {
		calls(s, func(name string, _ bool, do func(context.Context) error) {
			if strings.Contains(name, " of ") { // needs no transaction
				return
			}
			if err := do(t.Context()); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%s answered %v", name, err)
			}
		})
		if _, err := s.Backup(new(bytes.Buffer)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Backup answered %v", err)
		}
		s.Close()
	}
	meta := int64(2 * os.Getpagesize())
	t.Run("noticed", func(t *testing.T) {
		everythingFails(t, cut(t, meta))
	})
	t.Run("fault while a transaction begins", func(t *testing.T) {
		s := cut(t, 0)
		boltstore.ForgetSize(s)
		everythingFails(t, s)
	})
	t.Run("fault in a read", func(t *testing.T) {
		s := cut(t, meta)
		boltstore.ForgetSize(s)
		for range 3 { // and the one before has let go of everything
			if _, err := s.Get(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("Get answered %v", err)
			}
		}
		if _, err := s.Count(t.Context(), apikey.Filter{}); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Count answered %v", err)
		}
		s.Close()
	})
	t.Run("fault in a write", func(t *testing.T) {
		s := cut(t, meta)
		boltstore.ForgetSize(s)
		if err := s.Delete(t.Context(), id(1)); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("Delete answered %v", err)
		}
		everythingFails(t, s)
	})
}
