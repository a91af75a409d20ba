//go:build !race

package leak_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		more := copy(p[n:], e.text[e.at:])
		n, e.at = n+more, (e.at+more)%len(e.text)
	}
	return n, nil
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// However long the input is, Scan allocates its buffer, and something for what is a key or nearly one.
func TestScanMemory(t *testing.T) {
	const total = 64 << 20
	key := issued(t, "", 1)[0]
	for what, c := range map[string]struct {
		text string
		each uint64 // bytes for each time that the text is there
	}{
		"prose":       {"Keys live in memory and their hashes cost next to nothing. ", 0},
		"digits":      {"0123456789abcdefghijklmnopqrstuvwxyz", 0},
		"underscores": {"a_", 0},
		"binary":      {"\x00\x01_\xff", 0},
		"short keys":  {key[:74] + "-", 0},
		"other case":  {"AK" + key[2:] + " ", 0},
		"broken keys": {broken(key) + "!", 128},
	} {
		n := allocated(func() {
			for found, err := range leak.Scan(io.LimitReader(&endless{text: c.text}, total)) {
				t.Fatal(found, err)
			}
		})
		if n > 80<<10+c.each*total/uint64(len(c.text)) {
			t.Errorf("64 MiB of %s: %d bytes allocated", what, n)
		}
	}
	const finds = 10_000
	count := 0
	n := allocated(func() {
		for range leak.Scan(strings.NewReader(strings.Repeat(key, finds))) {
			count++
		}
	})
	if count != finds || n > 80<<10+finds*400 {
		t.Errorf("%d finds, %d bytes allocated", count, n)
	}
}

// After a long text with a key in it a Writer keeps no memory of its size.
func TestWriterMemory(t *testing.T) {
	const long = 8 << 20
	w := leak.NewWriter(io.Discard, nil)
	text := []byte(issued(t, "", 1)[0] + strings.Repeat(".", long))
	inUse := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := inUse()
	if n, err := w.Write(text); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
	if after := inUse(); after > before+long/2 {
		t.Errorf("%d bytes in use; %d before", after, before)
	}
	runtime.KeepAlive(text)
	runtime.KeepAlive(w)
}
