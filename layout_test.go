package apikey_test

import (
	"strconv"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// A warm Verify touches two lines of memory in a slot, and a slot lies on whole lines. A key handed out is
// the beginning of its entry.
func TestSlotLayout(t *testing.T) {
	t.Parallel()
	size, hot, key := apikey.SlotLayout()
	if key != 0 {
		t.Errorf("the key begins after %d bytes of its entry", key)
	}
	if strconv.IntSize != 64 {
		t.Skip("the rest is laid out for 64 bits: run it on such a machine")
	}
	if size != 128 || hot > 128 {
		t.Errorf("a slot takes %d bytes, and what a hit reads the first %d", size, hot)
	}
}
