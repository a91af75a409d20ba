package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// worked has a child's work done, to its end, and returns what was said of it.
func worked(t *testing.T) (string, *ledger) {
	t.Helper()
	path, l := filepath.Join(t.TempDir(), "keys.db"), newLedger()
	var out bytes.Buffer
	if err := (job{Path: path, Seed: 3, Workers: 1, Operations: 60}).do(t.Context(), &out, nil); err != nil {
		t.Fatal(err)
	}
	for text := range bytes.Lines(out.Bytes()) {
		said, err := parseLine(string(text))
		if err == nil {
			err = l.note(said)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path, l
}

func update(path string, f func(*bbolt.Tx) error) error {
	db, err := bbolt.Open(path, 0, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(f), db.Close())
}

// TestExamine: nothing that is taken from a file, or put into it, goes unnoticed.
func TestExamine(t *testing.T) {
	t.Parallel()
	edit := func(bucket string, f func(b *bbolt.Bucket, key, value []byte) error) func(string) error {
		return func(path string) error {
			return update(path, func(tx *bbolt.Tx) error {
				b := tx.Bucket([]byte(bucket))
				key, value := b.Cursor().Last()
				return f(b, bytes.Clone(key), bytes.Clone(value))
			})
		}
	}
	remove := func(b *bbolt.Bucket, key, _ []byte) error { return b.Delete(key) }
	for name, damage := range map[string]func(path string) error{
		"no record":           edit("records", remove),
		"no subject":          edit("subjects", remove),
		"no unique name":      edit("unique", remove),
		"no entry in the log": edit("changes", remove),
		"no seed":             edit("values", remove),
		"a subject of nobody": edit("subjects", func(b *bbolt.Bucket, key, value []byte) error { return b.Put(append(key, 1), value) }),
		"a name of nobody":    edit("unique", func(b *bbolt.Bucket, key, value []byte) error { return b.Put(append(key, 1), value) }),
		"a wrong checksum":    edit("unique", func(b *bbolt.Bucket, key, value []byte) error { value[0]++; return b.Put(key, value) }),
		"a name of another": edit("unique", func(b *bbolt.Bucket, key, value []byte) error {
			value[0]++
			return putSealed(b, key, value[:len(value)-4])
		}),
		"another's name": edit("unique", func(b *bbolt.Bucket, key, value []byte) error {
			return errors.Join(b.Delete(key), putSealed(b, append(key, 1), value[:len(value)-4]))
		}),
		"another subject": edit("subjects", func(b *bbolt.Bucket, key, _ []byte) error {
			other := bytes.Clone(key)
			other[2]++
			return errors.Join(b.Delete(key), putSealed(b, other, nil))
		}),
		"a gap in the log": edit("changes", func(b *bbolt.Bucket, key, value []byte) error {
			later := bytes.Clone(key)
			later[7]++
			return errors.Join(b.Delete(key), putSealed(b, later, value[:len(value)-4]))
		}),
		"no bucket": func(path string) error {
			return update(path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("unique")) })
		},
		"an early end": func(path string) error { return os.Truncate(path, 20_000) },
		"no file":      os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, l := worked(t)
			if _, err := l.examine(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			if _, err := l.examine(t.Context(), path); err == nil {
				t.Error("nothing was found")
			} else {
				t.Log(err)
			}
		})
	}
}

// TestCompare: an operation that was acknowledged must be in the file, and one that was begun may be.
func TestCompare(t *testing.T) {
	t.Parallel()
	path, l := worked(t)
	c, err := readContents(path)
	if err != nil {
		t.Fatal(err)
	}
	live := 0
	for id, k := range l.keys {
		if k.is.gone || k.is.revoked {
			continue
		}
		live++
		was := k.is
		for _, op := range []string{"rotate", "revoke", "delete"} {
			if k.is, k.pending = was.after(op), ""; !errors.Is(l.compare(c), errLost) {
				t.Errorf("%s of %s was acknowledged and is not in the file: %v", op, id, l.compare(c))
			}
			if k.is, k.pending = was, op; l.compare(c) != nil {
				t.Errorf("%s of %s was begun, and is not in the file: %v", op, id, l.compare(c))
			}
			half := was.after(op)
			half.logged--
			if k.is, k.pending = half, ""; !errors.Is(l.compare(c), errLost) {
				t.Errorf("half a %s of %s: %v", op, id, l.compare(c))
			}
		}
		k.is, k.pending = was, ""
		delete(l.keys, id)
		if !errors.Is(l.compare(c), errLost) {
			t.Errorf("nobody has begun %s: %v", id, l.compare(c))
		}
		l.creating[k.name] = true
		if err := l.compare(c); (err == nil) != (was == state{version: 1, number: 1}) {
			t.Errorf("the creation of %s was begun, and it is %+v: %v", id, was, err)
		}
		l.keys[id] = k
	}
	l.keys["ak_1"] = &key{is: state{version: 1, number: 1}}
	if !errors.Is(l.compare(c), errLost) {
		t.Errorf("a creation was acknowledged: %v", l.compare(c))
	}
	if live < 5 {
		t.Errorf("%d keys are too few", live)
	}
}
