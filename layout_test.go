package apikey_test

import (
	"strconv"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// A warm Verify touches two lines of memory in an entry, and an entry lies on whole lines.
func TestEntryLayout(t *testing.T) {
	t.Parallel()
	if strconv.IntSize != 64 {
		t.Skip("laid out for 64 bits: run it on such a machine")
	}
	size, hot := apikey.EntryLayout()
	if size != 192 || hot > 128 {
		t.Errorf("an entry takes %d bytes, and what a hit reads the first %d", size, hot)
	}
}
