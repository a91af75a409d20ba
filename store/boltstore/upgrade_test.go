package boltstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// putSealed puts a value as every one is stored: with the checksum of key and value behind it.
func putSealed(b *bbolt.Bucket, key, value []byte) error {
	sum := crc32.Checksum(slices.Concat(key, value), crc32.MakeTable(crc32.Castagnoli))
	return b.Put(key, binary.BigEndian.AppendUint32(slices.Clone(value), sum))
}

// formatOne makes a file of format 1 as the program that knew no other did: with bbolt alone.
func formatOne(t testing.TB, path string, keys int) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistArrayType})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		all := make(map[string]*bbolt.Bucket)
		var errs []error
		for _, name := range []string{"meta", "records", "subjects", "unique", "values"} {
			b, err := tx.CreateBucket([]byte(name))
			all[name], errs = b, append(errs, err)
		}
		errs = append(errs, putSealed(all["meta"], []byte("format"), []byte("apikey boltstore 1")), putSealed(all["values"], []byte("seed"), []byte("0123456789abcdef")))
		for n := range keys {
			r := record(n)
			r.Version = 1
			body, err := r.MarshalBinary()
			subject := slices.Concat([]byte{0, byte(len(r.Subject))}, []byte(r.Subject), r.ID[:])
			errs = append(errs, err, putSealed(all["records"], r.ID[:], body), putSealed(all["subjects"], subject, nil), putSealed(all["unique"], []byte(r.UniqueKey), r.ID[:]))
		}
		return errors.Join(errs...)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// wantKeys fails t unless the store holds what formatOne has made, and the log works.
func wantKeys(t *testing.T, how string, s *boltstore.Store, keys int) {
	t.Helper()
	if n, err := s.Count(t.Context(), apikey.Filter{}); n != keys || err != nil {
		t.Errorf("%s: there are %d keys, %v, want %d", how, n, err, keys)
	}
	if seed, err := s.Value(t.Context(), "seed"); string(seed) != "0123456789abcdef" || err != nil {
		t.Errorf("%s: the seed is %q, %v", how, seed, err)
	}
	if of := changed(t, s, time.Hour); len(of) != 0 {
		t.Errorf("%s: the log has %v", how, of)
	}
	replace(t, s, keys/2)
	if of := changed(t, s, time.Hour); len(of) != 1 || of[id(keys/2)] == 0 {
		t.Errorf("%s: after a change the log has %v", how, of)
	}
}

func formatOf(t *testing.T, path string) (format string) {
	t.Helper()
	db, err := bbolt.Open(path, 0, &bbolt.Options{Timeout: time.Second, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		value := string(tx.Bucket([]byte("meta")).Get([]byte("format")))
		format = strings.TrimPrefix(value[:len(value)-4], "apikey boltstore ")
		if log := tx.Bucket([]byte("changes")) != nil; log != (format == "2") {
			t.Errorf("a file of format %s has a log: %v", format, log)
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return format
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	for _, keys := range []int{3, 400} {
		for how, opens := range map[string]func(string, *boltstore.Options) (*boltstore.Store, error){"whole": boltstore.Open, "large": boltstore.OpenLarge, "large, unchecked": boltstore.OpenSparsely} {
			path := filepath.Join(t.TempDir(), "keys.db")
			formatOne(t, path, keys)
			s, err := opens(path, nil)
			if err != nil {
				t.Fatalf("%s: %v", how, err)
			}
			wantKeys(t, how, s, keys)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			check(t, path)
			if format := formatOf(t, path); format != "2" {
				t.Errorf("%s: the file has format %s", how, format)
			}
			if s = open(t, path, &boltstore.Options{ReadOnly: true}); changed(t, s, time.Hour)[id(keys/2)] == 0 {
				t.Errorf("%s: after reopening the change is not in the log", how)
			}
		}
	}
}

// TestFormatOneReadOnly: it is read as before, not changed, and has no log.
func TestFormatOneReadOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	formatOne(t, path, 400)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, opens := range []func(string, *boltstore.Options) (*boltstore.Store, error){boltstore.Open, boltstore.OpenLarge} {
		s, err := opens(path, &boltstore.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		boltstore.Swept(s)
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != 400 || err != nil {
			t.Errorf("there are %d keys, %v", n, err)
		}
		if _, err := s.Changes(t.Context(), time.Minute); err == nil || errors.Is(err, boltstore.ErrCorrupt) || !strings.Contains(err.Error(), "without ReadOnly") {
			t.Errorf("Changes answered %v, want an error that says what to do", err)
		}
		if _, err := s.Backup(new(bytes.Buffer)); err != nil {
			t.Errorf("Backup answered %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("reading has changed the file, %v", err)
	}
}

// TestUpgradeFails: before anything is written, and in the last sync, when it may have been done.
func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	for how, commit := range map[string]func(tx *bbolt.Tx) error{
		"before": func(tx *bbolt.Tx) error { return errDisk },
		"after":  func(tx *bbolt.Tx) error { return errors.Join(tx.Commit(), errDisk) },
		"panic":  func(tx *bbolt.Tx) error { panic("misplaced bucket header") },
	} {
		for _, large := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "keys.db")
			formatOne(t, path, 400)
			s, err := boltstore.OpenUpgrading(path, large, commit)
			if err == nil {
				s.Close()
				t.Fatalf("%s: it opens", how)
			}
			if how != "panic" && !errors.Is(err, errDisk) {
				t.Errorf("%s: Open answered %v", how, err)
			}
			if format, want := formatOf(t, path), map[bool]string{true: "2", false: "1"}[how == "after"]; format != want {
				t.Errorf("%s: the file has format %s, want %s", how, format, want)
			}
			wantKeys(t, how, open(t, path, nil), 400)
		}
	}
}

// TestUpgradeInterrupted: the power fails during the upgrade. bbolt writes its pages and then one of
// the first two. Whatever of that has reached the disk, the file is of one format or the other.
func TestUpgradeInterrupted(t *testing.T) {
	t.Parallel()
	const keys = 100
	page := os.Getpagesize()
	path := filepath.Join(t.TempDir(), "keys.db")
	formatOne(t, path, keys)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, path, nil).Close(); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var written, meta []int // where the pages begin
	for at := 0; at < len(after); at += page {
		if at+page > len(before) || !slices.Equal(before[at:at+page], after[at:at+page]) {
			if at < 2*page {
				meta = append(meta, at)
			} else {
				written = append(written, at)
			}
		}
	}
	if len(written) < 2 || len(meta) != 1 {
		t.Fatalf("the upgrade wrote the pages at %v and %v: the test does not test", written, meta)
	}
	file := make([]byte, len(after))
	copy(file, before)
	try := func(how, format string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "keys.db")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := formatOf(t, path); got != format {
			t.Errorf("%s: the file has format %s, want %s", how, got, format)
		}
		s, err := boltstore.Open(path, nil)
		if err != nil {
			t.Errorf("%s: Open answered %v", how, err)
			return
		}
		defer s.Close()
		wantKeys(t, how, s, keys)
	}
	for i, at := range written {
		try(fmt.Sprintf("%d pages of %d", i, len(written)), "1")
		copy(file[at:at+page/2], after[at:])
		try(fmt.Sprintf("%d pages and a half", i), "1")
		copy(file[at:at+page], after[at:])
	}
	copy(file[meta[0]:meta[0]+16+32], after[meta[0]:])
	try("all pages, and half of the first", "1")
	copy(file[meta[0]:meta[0]+page], after[meta[0]:])
	try("all pages", "2")
}
