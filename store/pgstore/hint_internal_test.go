package pgstore

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// What is added is what others are told, unless it is too much, of which they are told that there is something.
func TestHints(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, maxHinted, maxHinted + 1, 3 * maxHinted} {
		h := hints{more: make(chan struct{}, 1)}
		var ids []apikey.ID
		for i := range n {
			ids = append(ids, apikey.ID{0: 1, 14: byte(i >> 8), 15: byte(i)})
			h.add(ids[i])
		}
		if len(h.more) != min(n, 1) {
			t.Errorf("after %d changes %d hints are to be sent", n, len(h.more))
		}
		payload := h.take()
		if len(payload) >= 8000 {
			t.Errorf("%d changes make a payload of %d bytes, which PostgreSQL refuses; else others are told later", n, len(payload))
		}
		if n > maxHinted {
			ids = nil
		}
		if got := hinted(payload); !slices.Equal(got, ids) {
			t.Errorf("of %d changes others are told %d, want %d", n, len(got), len(ids))
		}
		if again := h.take(); again != "" {
			t.Errorf("%d changes are told again: %q", n, again)
		}
	}
}

func FuzzHinted(f *testing.F) {
	one := apikey.ID{1, 2, 3, 15: 255}.String()
	for _, seed := range []string{"", one, one + one, one[:31], one + "x", "x" + one, strings.ToUpper(one), strings.Repeat(one, maxHinted+1), "'; DROP TABLE"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		ids := hinted(payload)
		if len(ids) > maxHinted {
			t.Errorf("%d ids of one payload", len(ids))
		}
		var named strings.Builder
		for _, id := range ids {
			named.WriteString(id.String())
		}
		if !strings.HasPrefix(strings.ToLower(payload), named.String()) {
			t.Errorf("%q names %q", payload, named.String())
		}
	})
}
