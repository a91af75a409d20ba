//go:build !race

package httpauth_test

import (
	"net/http"
	"testing"
)

// Beyond Verify, which allocates nothing, the middleware allocates the request that goes on, its
// context, and a Vary.
func TestMiddlewareAllocates(t *testing.T) {
	whole, verify, _ := contenders(t, nil)
	w := &discard{make(http.Header, 8)}
	if n := testing.AllocsPerRun(1000, func() { clear(w.header); whole(w) }); n > 3 {
		t.Errorf("%v allocations, want 3 at most", n)
	}
	if n := testing.AllocsPerRun(1000, func() { verify(w) }); n != 0 {
		t.Errorf("Verify: %v allocations", n)
	}
}
