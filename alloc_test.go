//go:build !race

package apikey_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

// What is no key is refused before anything is allocated, however long it is.
func TestRefusedTextsAllocateNothing(t *testing.T) {
	for what, text := range refused() {
		if n := testing.AllocsPerRun(10, func() { apikey.KeyID(text) }); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// allocated returns how many bytes a call of f allocates.
func allocated(f func()) uint64 {
	const runs = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

// So is what is no record and no keyring, but for the error.
func TestLongInputAllocatesNothing(t *testing.T) {
	long := make([]byte, 1e6)
	long[0] = 1
	digits, commas := strings.Repeat("A", 1e6), strings.Repeat(",", 1e6)
	for what, f := range map[string]func() error{
		"record":            func() error { return new(apikey.Record).UnmarshalBinary(long) },
		"keyring":           func() error { _, err := apikey.ParseKeyring(digits); return err },
		"keyring of commas": func() error { _, err := apikey.ParseKeyring(commas); return err },
		"id":                func() error { _, err := apikey.KeyID(digits); return err },
	} {
		if f() == nil {
			t.Errorf("%s: a megabyte of nothing is good", what)
		}
		if n := allocated(func() { f() }); n > 1024 {
			t.Errorf("%s: %d bytes", what, n)
		}
	}
}
