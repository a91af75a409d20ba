package boltstore_test

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
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

// bolt makes a file with bbolt alone.
func bolt(t testing.TB, path string, change func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(change), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 64<<10)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	ours := func(change func(t *testing.T, s *boltstore.Store)) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			s := open(t, path, nil)
			change(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	writes := func(content []byte) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	formatIs := func(text string) func(t *testing.T, path string) {
		return ours(func(t *testing.T, s *boltstore.Store) {
			if err := boltstore.Put(s, "meta", []byte("format"), []byte(text), true); err != nil {
				t.Fatal(err)
			}
		})
	}
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		opts *boltstore.Options
		is   error  // matched by the error; nil: neither ErrCorrupt nor ErrLocked
		says string // part of the error
	}{
		{"negative timeout", func(*testing.T, string) {}, &boltstore.Options{Timeout: -1}, nil, "Timeout"},
		{"missing, read-only", func(*testing.T, string) {}, &boltstore.Options{ReadOnly: true}, fs.ErrNotExist, "keys.db"},
		{"folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, nil, "not a regular file"},
		{"empty", writes(nil), nil, boltstore.ErrCorrupt, "is empty"},
		{"empty, read-only", writes(nil), &boltstore.Options{ReadOnly: true}, boltstore.ErrCorrupt, "is empty"},
		{"one byte", writes(noise[:1]), nil, boltstore.ErrCorrupt, ""},
		{"one page of noise", writes(noise[:os.Getpagesize()]), nil, boltstore.ErrCorrupt, ""},
		{"noise", writes(noise), nil, boltstore.ErrCorrupt, ""},
		{"noise, read-only", writes(noise), &boltstore.Options{ReadOnly: true}, boltstore.ErrCorrupt, ""},
		{"zeros", writes(make([]byte, 64<<10)), nil, boltstore.ErrCorrupt, ""},
		{"text", writes([]byte(strings.Repeat("not a database\n", 5000))), nil, boltstore.ErrCorrupt, ""},
		{"another program's", func(t *testing.T, path string) {
			bolt(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("things")); return err })
		}, nil, nil, "another program"},
		{"another program's with a meta bucket", func(t *testing.T, path string) {
			bolt(t, path, func(tx *bbolt.Tx) error {
				b, err := tx.CreateBucket([]byte("meta"))
				return errors.Join(err, b.Put([]byte("format"), []byte("7")))
			})
		}, nil, nil, "another program"},
		{"bbolt's, with nothing in it, read-only", func(t *testing.T, path string) {
			bolt(t, path, func(*bbolt.Tx) error { return nil })
		}, &boltstore.Options{ReadOnly: true}, nil, "no keys yet"},
		{"newer format", formatIs("apikey boltstore 3"), nil, nil, "needs a newer program"},
		{"newer format, read-only", formatIs("apikey boltstore 20"), &boltstore.Options{ReadOnly: true}, nil, "needs a newer program"},
		{"format 1 with the log of format 2", formatIs("apikey boltstore 1"), nil, nil, "another program"},
		{"format 2 without its log", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("changes")) })
		}, nil, boltstore.ErrCorrupt, "bucket"},
		{"format 2 without its log, read-only", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("changes")) })
		}, &boltstore.Options{ReadOnly: true}, boltstore.ErrCorrupt, "bucket"},
		{"a log that lost its name", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("changer"))
				return errors.Join(err, tx.DeleteBucket([]byte("changes")))
			})
		}, nil, boltstore.ErrCorrupt, "bucket"},
		{"format 1, and a bucket is gone", func(t *testing.T, path string) {
			formatOne(t, path, 3)
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("unique")) })
		}, nil, boltstore.ErrCorrupt, "bucket"},
		{"format 1 with another program's bucket", func(t *testing.T, path string) {
			formatOne(t, path, 3)
			bolt(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("things")); return err })
		}, nil, nil, "another program"},
		{"format 1 with a value that is not sealed", func(t *testing.T, path string) {
			formatOne(t, path, 3)
			bolt(t, path, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("values")).Put([]byte("seed"), []byte("secret-value"))
			})
		}, nil, boltstore.ErrCorrupt, "checksum"},
		{"no format", formatIs(""), nil, boltstore.ErrCorrupt, ""},
		{"format 0", formatIs("apikey boltstore 0"), nil, boltstore.ErrCorrupt, ""},
		{"a bucket is gone", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("unique")) })
		}, nil, boltstore.ErrCorrupt, "bucket"},
		{"another program's bucket beside ours", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("things")); return err })
		}, nil, nil, "another program"},
		{"a bucket that lost its name", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("uniqud"))
				return errors.Join(err, tx.DeleteBucket([]byte("unique")))
			})
		}, nil, boltstore.ErrCorrupt, "bucket"},
		{"a value that is not sealed", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			bolt(t, path, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("values")).Put([]byte("seed"), []byte("secret-value"))
			})
		}, nil, boltstore.ErrCorrupt, "checksum"},
		{"no list of free pages", func(t *testing.T, path string) {
			ours(func(*testing.T, *boltstore.Store) {})(t, path)
			db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoFreelistSync: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(func(*bbolt.Tx) error { return nil }), db.Close()); err != nil {
				t.Fatal(err)
			}
		}, nil, nil, "NoFreelistSync"},
		{"another program's, without a list of free pages", func(t *testing.T, path string) {
			db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoFreelistSync: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("things"))
				return err
			}), db.Close()); err != nil {
				t.Fatal(err)
			}
		}, nil, nil, "another program"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys.db")
			test.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := boltstore.Open(path, test.opts)
			if err == nil {
				s.Close()
				t.Fatal("it opens")
			}
			if test.is != nil && !errors.Is(err, test.is) || test.is == nil && (errors.Is(err, boltstore.ErrCorrupt) || errors.Is(err, boltstore.ErrLocked)) {
				t.Errorf("the error is %v, and must match %v", err, test.is)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret-value") {
				t.Errorf("the error is %q; it must say %q and %s", err, test.says, path)
			}
			if after, _ := os.ReadFile(path); !slices.Equal(before, after) {
				t.Error("a file that was refused has changed")
			}
		})
	}
}

func TestOpenWithoutFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "keys.db")
	if _, err := boltstore.Open(path, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}

// TestOpenEmptyBolt: a bbolt file in which nothing was stored becomes one of ours.
func TestOpenEmptyBolt(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	bolt(t, path, func(*bbolt.Tx) error { return nil })
	s := open(t, path, nil)
	create(t, s, 0, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(t, path)
}

func TestH2_Locked(t *testing.T) {
	t.Parallel()
	short := &boltstore.Options{Timeout: time.Millisecond}
	wantLocked := func(t *testing.T, path string, opts *boltstore.Options) {
		t.Helper()
		if _, err := boltstore.Open(path, opts); !errors.Is(err, boltstore.ErrLocked) || !strings.Contains(err.Error(), path) {
			t.Errorf("Open of a file in use answered %v", err)
		}
	}
	t.Run("by this process", func(t *testing.T) {
		t.Parallel()
		s, path := openNew(t)
		wantLocked(t, path, short)
		wantLocked(t, path, &boltstore.Options{Timeout: time.Millisecond, ReadOnly: true})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, path, short)
	})
	t.Run("by another process", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "keys.db")
		cmd, _, out := child(t, "hold", path)
		if !out.Scan() || out.Text() != "held" {
			t.Fatal("the child does not hold the file")
		}
		wantLocked(t, path, nil)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		open(t, path, nil)
	})
	t.Run("and then not", func(t *testing.T) {
		t.Parallel()
		s, path := openNew(t)
		waiting := make(chan error)
		go func() {
			second, err := boltstore.Open(path, patient)
			if err == nil {
				err = second.Close()
			}
			waiting <- err
		}()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	})
	t.Run("by a reader", func(t *testing.T) {
		t.Parallel()
		s, path := openNew(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		reader := open(t, path, &boltstore.Options{ReadOnly: true})
		wantLocked(t, path, short)
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, path, short)
	})
}

// TestOpenWritesMeta: the page that says which state counts is written before it is relied on,
// since it may look as if it were on disk when it is not.
func TestOpenWritesMeta(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, created, created); err != nil {
		t.Fatal(err)
	}
	open(t, path, nil)
	if info, err := os.Stat(path); err != nil || info.ModTime().Equal(created) {
		t.Errorf("Open has not written: %v, %v", info, err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("Open has changed the file, %v", err)
	}
}

// calls calls every method that can fail, with a name; write: it would write.
func calls(s *boltstore.Store, each func(name string, write bool, do func(ctx context.Context) error)) {
	r := record(1)
	r.Version = 1
	for _, c := range []struct {
		name  string
		write bool
		do    func(ctx context.Context) error
	}{
		{"Create", true, func(ctx context.Context) error { return s.Create(ctx, record(5000)) }},
		{"Create of nonsense", true, func(ctx context.Context) error { return s.Create(ctx, &apikey.Record{CreatedAt: time.Now()}) }},
		{"Get", false, func(ctx context.Context) error { _, err := s.Get(ctx, id(1)); return err }},
		{"Replace", true, func(ctx context.Context) error { return s.Replace(ctx, r) }},
		{"Replace of Version 0", true, func(ctx context.Context) error { return s.Replace(ctx, record(1)) }},
		{"Delete", true, func(ctx context.Context) error { return s.Delete(ctx, id(2)) }},
		{"List", false, func(ctx context.Context) error {
			_, _, err := s.List(ctx, apikey.Filter{}, apikey.ID{}, 500)
			return err
		}},
		{"Count", false, func(ctx context.Context) error { _, err := s.Count(ctx, apikey.Filter{}); return err }},
		{"RecordUse", true, func(ctx context.Context) error {
			return s.RecordUse(ctx, []apikey.Use{{ID: id(1), Number: 1, At: created}})
		}},
		{"RecordUse of none", true, func(ctx context.Context) error { return s.RecordUse(ctx, nil) }},
		{"Value", false, func(ctx context.Context) error { _, err := s.Value(ctx, "seed"); return err }},
		{"SwapValue", true, func(ctx context.Context) error { return s.SwapValue(ctx, "seed", nil, []byte("s")) }},
		{"Changes", false, func(ctx context.Context) error { _, err := s.Changes(ctx, time.Hour); return err }},
	} {
		each(c.name, c.write, c.do)
	}
}

func TestH3_ReadOnly(t *testing.T) {
	t.Parallel()
	s, path := openNew(t)
	create(t, s, 0, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(path)
	one := open(t, path, &boltstore.Options{ReadOnly: true})
	two := open(t, path, &boltstore.Options{ReadOnly: true})
	for _, s := range []*boltstore.Store{one, two} {
		calls(s, func(name string, write bool, do func(context.Context) error) {
			want := error(nil)
			if write {
				want = boltstore.ErrReadOnly
			}
			if err := do(t.Context()); !errors.Is(err, want) {
				t.Errorf("%s answered %v, want %v", name, err, want)
			}
		})
		if n, err := s.Count(t.Context(), apikey.Filter{}); n != 20 || err != nil {
			t.Errorf("Count is %d, %v", n, err)
		}
	}
	if err := errors.Join(one.Close(), two.Close()); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !slices.Equal(before, after) {
		t.Error("reading has changed the file")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	create(t, s, 0, 20)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), ended} {
		calls(s, func(name string, _ bool, do func(context.Context) error) {
			if err := do(ctx); !errors.Is(err, boltstore.ErrClosed) {
				t.Errorf("%s after Close answered %v", name, err)
			}
		})
	}
	if _, _, err := s.List(t.Context(), apikey.Filter{}, apikey.ID{}, 0); !errors.Is(err, boltstore.ErrClosed) {
		t.Errorf("List without a limit after Close answered %v", err)
	}
	if _, err := s.Backup(new(strings.Builder)); !errors.Is(err, boltstore.ErrClosed) {
		t.Errorf("Backup after Close answered %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
