package boltstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestReplacedMeanwhile: when Open lets go of the file, another is put in its place, which ends with the
// same transaction and is damaged. That the first was sound says nothing of it.
func TestReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	file, _ := sample(t, 250)
	path := filepath.Join(t.TempDir(), "keys.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := false
	branchKeys(t, file, func(_ string, key []byte) {
		if !damaged {
			damaged, key[0] = true, key[0]^0x80 // and so it is behind the next one
		}
	})
	replaced := false
	s, err := boltstore.OpenMeanwhile(path, func() {
		if replaced {
			return
		}
		replaced = true
		if err := errors.Join(os.WriteFile(path+".new", file, 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	})
	if !errors.Is(err, boltstore.ErrCorrupt) || !replaced {
		t.Errorf("Open answered %v", err)
	}
	if err == nil {
		s.Close()
	}
}
