package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// The whole program runs and writes both files, from next to no measuring.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	o := options{out: dir, only: "peers|warm|commits", credentials: 2, config: promises.Config{
		Options: measure.Options{Rounds: 2, Slice: time.Millisecond}, Keys: 100, BoltKeys: 50, Refused: 16, Dir: t.TempDir()}}
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| argon2id |", "warm `Verify`, 1,000 keys", "JWT EdDSA (go-jose", "in one commit", "restricted to"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(page), "garbage:") {
		t.Error("a row was run that was not asked for")
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "benchmarks.svg")); err != nil || !strings.Contains(string(svg), "</svg>") {
		t.Errorf("the chart: %v", err)
	}
}

func TestRunRefusesNonsense(t *testing.T) {
	if err := run(t.Context(), options{}); err == nil {
		t.Error("no rounds are fine")
	}
	if err := run(t.Context(), options{only: "("}); err == nil {
		t.Error("a broken expression is fine")
	}
}

func TestCommand(t *testing.T) {
	if got := command([]string{"-run", "warm|cores", "-o", "../docs"}); got != "go run ./report -run 'warm|cores' -o ../docs" {
		t.Error(got)
	}
}
