//go:build !race

package apikey_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
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
// measured in a process of its own, from its start.
func TestColdStormMemory(t *testing.T) {
	const inChild = "APIKEY_TEST_COLD_STORM"
	if os.Getenv(inChild) != "" {
		coldStorm(t)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("the peak of resident memory is read from /proc: run it on Linux")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestColdStormMemory$", "-test.v")
	cmd.Env = append(os.Environ(), inChild+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("peak")) {
			t.Logf("%s", bytes.TrimSpace(line))
		}
	}
}

func coldStorm(t *testing.T) {
	permits := max(1, runtime.GOMAXPROCS(0)-1)
	gate, err := hash.NewGate(permits, 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{
		Issuer: apikey.IssuerOptions{Argon2: hash.Default(), Gate: gate}, Verifier: apikey.VerifierOptions{Gate: gate}})
	var texts []string
	for range 256 {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts = append(texts, text)
	}
	var wg sync.WaitGroup
	for _, text := range texts {
		wg.Go(func() {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var peak int
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(line, &peak); err != nil {
		t.Fatal(err)
	}
	bound := (3*permits*int(hash.Default().Memory)<<10 + 50_000_000) >> 10 // 50 MB, not MiB
	t.Logf("peak %d KiB of resident memory, bound %d KiB, %d permits", peak, bound, permits)
	if runs := keys.Verifier.Stats().Argon2Runs; peak > bound || runs != 256 {
		t.Errorf("peak %d KiB, bound %d KiB, %d runs", peak, bound, runs)
	}
}
