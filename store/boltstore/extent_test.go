package boltstore_test

import (
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestOverflowFlipped: the number of pages that one takes up is not believed before it is compared
// with what they must hold. A flipped bit would else cost memory, up to the length of the file.
func TestOverflowFlipped(t *testing.T) { // not parallel: it counts what the process allocates
	file, _ := sample(t, 1000)
	page, native := os.Getpagesize(), binary.NativeEndian
	allocated := func(check func([]byte) error) (bytes uint64, err error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = check(file)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, err
	}
	for how, check := range map[string]func([]byte) error{
		"as a whole": boltstore.CheckBytes,
		"first without its leaves": func(file []byte) error {
			_, err := boltstore.CheckBytesSparsely(file)
			return err
		},
	} {
		sound, err := allocated(check)
		if err != nil {
			t.Fatal(err)
		}
		tried, most := 0, uint64(0)
		for _, start := range livePages(t, file) {
			for bit := range 32 {
				if 1<<bit > 2*len(file)/page && bit%8 > 0 {
					continue
				}
				field := file[start+12 : start+16]
				was := native.Uint32(field)
				native.PutUint32(field, was^1<<bit)
				n, err := allocated(check)
				native.PutUint32(field, was)
				if tried++; !errors.Is(err, boltstore.ErrCorrupt) {
					t.Errorf("%s: page %d takes up %d pages for %d, and the answer is %v", how, start/page, 1+was^1<<bit, 1+was, err)
				}
				most = max(most, n)
			}
		}
		if limit := 2*sound + 16*uint64(page); most > limit || tried < 1000 {
			t.Errorf("%s: %d bytes were allocated, and %d for the sound file; tried %d times", how, most, sound, tried)
		}
	}
}
