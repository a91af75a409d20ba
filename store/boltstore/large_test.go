package boltstore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// Files as Open treats large ones: the leaves are checked later. Here they are small.

// openSparsely opens the bytes as a large file whose leaves nobody checks but who reads them.
func openSparsely(t *testing.T, file []byte) *boltstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := boltstore.OpenSparsely(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// wantCorruptOrSameSparsely opens a file that was tampered with as a large one. That or reading it
// must be ErrCorrupt, or it must hold exactly what it held.
func wantCorruptOrSameSparsely(t *testing.T, how string, file []byte, content string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string, *boltstore.Options) (*boltstore.Store, error){boltstore.OpenSparsely, boltstore.OpenLarge} {
		s, err := open(path, &boltstore.Options{ReadOnly: true}) // which syncs nothing
		if err != nil {
			if !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%s: as a large file, Open answered %v", how, err)
			}
			continue
		}
		got, err := dump(t.Context(), s)
		switch {
		case errors.Is(err, boltstore.ErrCorrupt):
			if _, err := s.Get(t.Context(), id(3)); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("%s: as a large file, after damage was seen Get answered %v", how, err)
			}
		case err != nil || got != content:
			t.Errorf("%s: as a large file, it opens and holds something else; reading it answered %v", how, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", how, err)
		}
	}
}

// damageLeafOf flips a bit of some bytes in the leaf that holds them.
func damageLeafOf(t *testing.T, file []byte, what []byte) []byte {
	t.Helper()
	page := os.Getpagesize()
	tampered := slices.Clone(file)
	for _, start := range livePages(t, file) {
		at := strings.Index(string(file[start:start+page]), string(what))
		if at >= 0 && file[start+8] == 2 {
			tampered[start+at] ^= 1
			return tampered
		}
	}
	t.Fatal("no leaf holds that")
	return nil
}

func TestLargeOpens(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 400)
	s := openSparsely(t, file)
	if left := len(boltstore.Unchecked(s)); left < 20 {
		t.Errorf("Open left %d leaves for later", left)
	}
	if got, err := dump(t.Context(), s); err != nil || got != content {
		t.Errorf("it holds something else; reading it answered %v", err)
	}
	if left, forgotten := boltstore.Sweep(s); left > 0 || !forgotten {
		t.Errorf("%d leaves are left at the end; forgotten: %v", left, forgotten)
	}
	if got, err := dump(t.Context(), s); err != nil || got != content {
		t.Errorf("after all leaves were checked it holds something else; reading it answered %v", err)
	}
}

func TestLargeReadOnly(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 400)
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := boltstore.OpenLarge(path, &boltstore.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got, err := dump(t.Context(), s); err != nil || got != content {
			t.Errorf("it holds something else; reading it answered %v", err)
		}
		boltstore.Swept(s)
	}
}

// TestLargeDamagedLeaf: nobody asks for what is damaged, and it is found nevertheless, and that
// ends the use of the file.
func TestLargeDamagedLeaf(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 400)
	three := id(3)
	s := openSparsely(t, damageLeafOf(t, file, append(three[:], 1)))
	if _, err := s.Get(t.Context(), id(390)); err != nil {
		t.Fatalf("a key in a sound leaf: %v", err)
	}
	gaps := 0
	s.Watch(func(c apikey.Change) {
		if c.Gap {
			gaps++
		}
	})
	boltstore.Sweep(s)
	if gaps != 1 {
		t.Errorf("watchers were told of %d gaps, want 1", gaps)
	}
	calls(s, func(name string, _ bool, do func(context.Context) error) {
		if strings.Contains(name, " of ") { // needs no transaction
			return
		}
		if err := do(t.Context()); !errors.Is(err, boltstore.ErrCorrupt) {
			t.Errorf("%s answered %v", name, err)
		}
	})
	if _, err := s.Backup(new(strings.Builder)); !errors.Is(err, boltstore.ErrCorrupt) {
		t.Errorf("Backup answered %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestLargeDamagedLeafUsed: every call that needs a damaged leaf is ErrCorrupt, also a write that
// would only have written to it or merged it with another, and nothing is written then or later.
func TestLargeDamagedLeafUsed(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 400)
	rightOf := func(n int) []byte { i := id(n); return append(i[:], 1) } // in a leaf, before the record
	listed := func(n int) []byte {
		i := id(n)
		return fmt.Appendf(nil, "\x00\x06user_%d%s", n%10, i[:])
	}
	named := func(n int) []byte { i := id(n); return fmt.Appendf(nil, "unique %d%s", n, i[:]) }
	at := []apikey.Use{{ID: id(201), Number: 1, At: created.AddDate(1, 0, 0)}}
	again := record(201)
	again.Version = 1
	for _, test := range []struct {
		name   string
		damage []byte
		do     func(ctx context.Context, s *boltstore.Store) error
	}{
		{"Get", rightOf(201), func(ctx context.Context, s *boltstore.Store) error { _, err := s.Get(ctx, id(201)); return err }},
		{"RecordUse", rightOf(201), func(ctx context.Context, s *boltstore.Store) error { return s.RecordUse(ctx, at) }},
		{"Replace", rightOf(201), func(ctx context.Context, s *boltstore.Store) error { return s.Replace(ctx, again) }},
		{"Delete", rightOf(201), func(ctx context.Context, s *boltstore.Store) error { return s.Delete(ctx, id(201)) }},
		{"Delete, index", listed(201), func(ctx context.Context, s *boltstore.Store) error { return s.Delete(ctx, id(201)) }},
		{"Delete, unique", named(201), func(ctx context.Context, s *boltstore.Store) error { return s.Delete(ctx, id(201)) }},
		{"List", rightOf(201), func(ctx context.Context, s *boltstore.Store) error {
			_, _, err := s.List(ctx, apikey.Filter{}, id(206), 10)
			return err
		}},
		{"List of a subject", listed(201), func(ctx context.Context, s *boltstore.Store) error {
			_, _, err := s.List(ctx, apikey.Filter{Subject: "user_1"}, id(206), 10)
			return err
		}},
		{"List of a subject, record", rightOf(201), func(ctx context.Context, s *boltstore.Store) error {
			_, _, err := s.List(ctx, apikey.Filter{Subject: "user_1"}, id(206), 10)
			return err
		}},
		{"Count", rightOf(201), func(ctx context.Context, s *boltstore.Store) error {
			_, err := s.Count(ctx, apikey.Filter{})
			return err
		}},
		{"Create, index", listed(391), func(ctx context.Context, s *boltstore.Store) error {
			r := record(401)
			r.UniqueKey = ""
			return s.Create(ctx, r)
		}},
		{"Create, unique", named(201), func(ctx context.Context, s *boltstore.Store) error {
			r := record(405)
			r.UniqueKey = "unique 201x"
			return s.Create(ctx, r)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			control := openSparsely(t, file)
			if err := test.do(t.Context(), control); err != nil {
				t.Fatalf("control: on a sound file it answered %v", err)
			}
			s := openSparsely(t, damageLeafOf(t, file, test.damage))
			commits := boltstore.Commits(s)
			if err := test.do(t.Context(), s); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("it answered %v", err)
			}
			if err := s.Create(t.Context(), record(9000)); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("Create after it answered %v", err)
			}
			if _, err := s.Get(t.Context(), id(3)); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("Get after it answered %v", err)
			}
			if boltstore.Commits(s) != commits {
				t.Error("something was written")
			}
		})
	}
}

// TestLargeDamagedBranch: the branches are checked by Open.
func TestLargeDamagedBranch(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 400)
	page, native := os.Getpagesize(), binary.NativeEndian
	branches := 0
	for _, start := range livePages(t, file) {
		if file[start+8] != 1 {
			continue
		}
		branches++
		count := int(native.Uint16(file[start+10:]))
		second := native.Uint64(file[start+16+16+8:])
		for how, change := range map[string]func(p []byte){
			"a child that does not exist": func(p []byte) { native.PutUint64(p[24:], 1<<40) },
			"itself as a child":           func(p []byte) { native.PutUint64(p[24:], uint64(start/page)) },
			"one child twice":             func(p []byte) { native.PutUint64(p[24:], second) },
			"a meta page as a child":      func(p []byte) { native.PutUint64(p[24:], 1) },
			"a child less":                func(p []byte) { native.PutUint16(p[10:], uint16(count-1)) },
			"no child":                    func(p []byte) { native.PutUint16(p[10:], 0) },
			"keys in disorder":            func(p []byte) { p[16+16*count] ^= 0xff },
			"another number":              func(p []byte) { p[0] ^= 1 },
		} {
			tampered := slices.Clone(file)
			change(tampered[start : start+page])
			path := filepath.Join(t.TempDir(), "keys.db")
			if err := os.WriteFile(path, tampered, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := boltstore.OpenSparsely(path, nil); !errors.Is(err, boltstore.ErrCorrupt) {
				t.Errorf("page %d with %s: Open answered %v", start/page, how, err)
				if err == nil {
					s.Close()
				}
			}
		}
	}
	if branches < 3 {
		t.Errorf("the file has %d branches: the test does not test", branches)
	}
}

// TestLargeAnotherProgram: buckets in buckets, which we have not, are no damage.
func TestLargeAnotherProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	bolt(t, path, func(tx *bbolt.Tx) error {
		outer, err := tx.CreateBucket([]byte("meta"))
		for n := range 400 {
			inner, innerErr := outer.CreateBucket(fmt.Appendf(nil, "bucket %d", n))
			err = errors.Join(err, innerErr, inner.Put([]byte("format"), make([]byte, 5000)), outer.Put(fmt.Appendf(nil, "a %d", n), make([]byte, 100)))
		}
		return err
	})
	if _, err := boltstore.OpenLarge(path, nil); err == nil || errors.Is(err, boltstore.ErrCorrupt) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("Open answered %v", err)
	}
}
