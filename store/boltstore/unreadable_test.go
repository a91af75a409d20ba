package boltstore_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestLargeUnreadable: a leaf that cannot be read, which may pass, is an error of the call that needs it. It
// is no damage, and ends nothing. Once it can be read, all is as if nothing had been.
func TestLargeUnreadable(t *testing.T) {
	t.Parallel()
	file, content := sample(t, 400)
	for _, test := range []struct {
		name    string
		failing func(page int64, waiting map[int64]bool) bool
	}{
		{"leaves", func(page int64, waiting map[int64]bool) bool { return waiting[page] }},
		{"every third leaf", func(page int64, waiting map[int64]bool) bool { return waiting[page] && page%3 == 0 }},
		{"branches", func(page int64, waiting map[int64]bool) bool { return !waiting[page] }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openSparsely(t, file)
			waiting := make(map[int64]bool)
			for _, id := range boltstore.Unchecked(s) {
				waiting[int64(id)] = true
			}
			var broken atomic.Bool
			broken.Store(true)
			boltstore.ReadThrough(s, func(page int64, read func() (int, error)) (int, error) {
				if broken.Load() && test.failing(page, waiting) {
					return 0, syscall.EIO
				}
				return read()
			})
			gaps := 0
			s.Watch(func(apikey.Change) { gaps++ })
			if left, forgotten := boltstore.Sweep(s); left == 0 || forgotten {
				t.Fatalf("%d leaves are left; forgotten: %v", left, forgotten)
			} else if test.name == "every third leaf" && left == len(waiting) {
				t.Error("one error ended all")
			}
			if gaps > 0 {
				t.Error("watchers were told of damage")
			}
			failed := 0
			for n := range 400 {
				if _, err := s.Get(t.Context(), id(n)); errors.Is(err, syscall.EIO) {
					failed++
					if errors.Is(err, boltstore.ErrCorrupt) || !strings.Contains(fmt.Sprint(err), "boltstore: ") || !strings.Contains(fmt.Sprint(err), "page") {
						t.Errorf("Get answered %v", err)
					}
				} else if err != nil && n%7 != 0 {
					t.Errorf("Get answered %v", err)
				}
			}
			if failed == 0 {
				t.Error("the test does not test")
			}
			broken.Store(false)
			if got, err := dump(t.Context(), s); err != nil || got != content {
				t.Errorf("it holds something else; reading it answered %v", err)
			}
			if left, forgotten := boltstore.Sweep(s); left > 0 || !forgotten {
				t.Errorf("%d leaves are left at the end; forgotten: %v", left, forgotten)
			}
		})
	}
}
