//go:build !race

package apikey_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// The race detector counts its own allocations and its own memory, so these tests run without it.

// What is refused before the store, and what is warm, allocates nothing.
func TestHotPathAllocatesNothing(t *testing.T) {
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Hour, Scopes: []string{"read"}})
	key, err := keys.Verifier.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, f := range map[string]func(){
		"warm":      func() { keys.Verifier.Verify(ctx, text) },
		"checksum":  func() { keys.Verifier.Verify(ctx, text[:74]+"!") },
		"empty":     func() { keys.Verifier.Verify(ctx, "") },
		"too long":  func() { keys.Verifier.Verify(ctx, text+text) },
		"has scope": func() { key.HasScope("read") },
	} {
		extra := 0.0
		if name == "checksum" || name == "too long" {
			extra = 1 // the concatenation
		}
		if n := testing.AllocsPerRun(1000, f); n > extra {
			t.Errorf("%s: %v allocations", name, n-extra)
		}
	}
	if s := keys.Verifier.Stats(); s.Warm < 1000 || s.Malformed < 3000 {
		t.Errorf("something else was measured: %+v", s)
	}
}

// 256 goroutines with 256 distinct cold secrets: the memory is that of the permits. It is
// measured in a process that holds the library and no test, from its start.
func TestColdStormMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the peak of resident memory is read from /proc: run it on Linux")
	}
	program := filepath.Join(t.TempDir(), "coldstorm")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./internal/coldstorm").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program).CombinedOutput()
	var runs, peak int
	if err == nil {
		_, err = fmt.Sscanf(string(out), "%d runs of argon2, peak %d KiB\n", &runs, &peak)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	permits := max(1, runtime.GOMAXPROCS(0)-1)
	bound := (3*permits*int(hash.Default().Memory)<<10 + 50_000_000) >> 10 // 50 MB, not MiB
	t.Logf("peak %d KiB of resident memory, bound %d KiB, %d permits", peak, bound, permits)
	if peak > bound || runs != 256 {
		t.Errorf("peak %d KiB, bound %d KiB, %d runs", peak, bound, runs)
	}
}
