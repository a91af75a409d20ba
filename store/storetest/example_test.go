package storetest_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// What the tests of a store have in their TestStore and, if it implements apikey.Watcher and
// apikey.ChangeLog, TestWatcher and TestChangeLog; memstore stands for it here.
func Example() {
	var t *testing.T // the test's own
	open := func(t *testing.T) apikey.Store {
		s := memstore.New()
		t.Cleanup(func() { s.Close() })
		return s
	}
	storetest.Run(t, open)
	storetest.RunWatcher(t, open)
	storetest.RunChangeLog(t, open)
}

// What the tests of a store that keeps its data in a file have in their TestDurable.
func ExampleRunDurable() {
	var t *testing.T // the test's own
	var path string  // of the data, from t.TempDir
	storetest.RunDurable(t, func(t *testing.T, reopen apikey.Store) apikey.Store {
		if reopen == nil {
			path = filepath.Join(t.TempDir(), "keys.db")
		} else if err := reopen.(*fileStore).Close(); err != nil {
			t.Fatal(err)
		}
		s, err := openFileStore(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	})
}

type fileStore struct{ *memstore.Store }

func openFileStore(path string) (*fileStore, error) { return &fileStore{memstore.New()}, nil }
