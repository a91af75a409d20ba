package apikey_test

import (
	"strconv"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// A warm Verify touches two lines of memory in a slot, and where chunks are large a slot lies on whole lines.
func TestSlotLayout(t *testing.T) {
	t.Parallel()
	if strconv.IntSize != 64 {
		t.Skip("laid out for 64 bits: run it on such a machine")
	}
	size, hot := apikey.SlotLayout()
	if size != 128 || hot > 128 {
		t.Errorf("a slot takes %d bytes, and what a hit reads the first %d", size, hot)
	}
}
