package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/measure"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/page"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/peers"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/promises"
)

// sample is a page of figures that are made up to test how they are written.
func sample() *page.Page {
	p := &page.Page{
		Machine: page.Machine{Processor: "Test CPU", Instructions: "AES yes, SHA-256 no", Cores: 2, System: "linux/amd64", Go: "1.26", Load: "1.75"},
		Command: "go run ./report -o x", Began: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), Took: 61 * time.Second,
		Credentials: 1000, Chart: "chart.svg",
		Config: promises.Config{Options: measure.Options{Rounds: 2, Slice: time.Second}, Keys: 10},
		Lines: []promises.Line{
			{What: "good", Against: "that", Target: &promises.Target{Bound: 1.3}, Values: []float64{1.2, 1.25}, Nanos: 120, AgainstNanos: 100},
			{What: "bad", Against: "that", Target: &promises.Target{Bound: 0.95, AtLeast: true}, Values: []float64{0.5}, Nanos: 1, AgainstNanos: 2},
			{What: "heap | piped", Unit: promises.Bytes, Target: &promises.Target{Bound: 600}, Values: []float64{1234}},
			{What: "beside", Unit: promises.Allocations, Values: []float64{41}},
		},
	}
	for i, kind := range peers.Kinds() {
		ns := 100.0
		for range i {
			ns *= 7
		}
		p.Peers = append(p.Peers, page.Peer{Kind: kind, Version: "v1.2.3", Revocable: i%2 == 0,
			Serial:   measure.Series{{Calls: 10, Nanos: ns}, {Calls: 10, Nanos: ns}},
			Parallel: measure.Series{{Calls: 10, Nanos: ns / 2}, {Calls: 10, Nanos: ns / 2}}})
	}
	return p
}

func markdown(t *testing.T, p *page.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestMarkdownSaysWhatWasMeasured(t *testing.T) {
	t.Parallel()
	text := markdown(t, sample())
	for _, want := range []string{
		"go run ./report -o x\n", "Test CPU", "2030-01-02", "1.75", "1m1s", "AES yes, SHA-256 no",
		"In this run 1 of the 3 figures below that have a target meet it; 2 missed it.",
		"| good | that | ≤ 1.30 x | 1.23 x | 1.21 x to 1.24 x | met | 120 ns | 100 ns |",
		"| bad | that | ≥ 0.95 x | 0.50 x | one value | **missed** | 1.00 ns | 2.00 ns |",
		`| heap \| piped |  | ≤ 600 bytes | 1,234 bytes | one value | **missed** |  |  |`,
		"| beside |  | 41 | one value |  |  |",
		"| apikey | 1.00 x |  | 1.00 x | 100 ns | 50.0 ns | 0 | yes |",
		"| SHA-256, map | 7.00 x | 7.00 x | 7.00 x | 700 ns | 350 ns | 0 | no |",
		"(golang-jwt/jwt/v5 v1.2.3)", "2 rounds, in each a slice of 1s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"NaN", "%!", "<no value>", "restricted"} {
		if strings.Contains(text, never) {
			t.Errorf("the page says %q", never)
		}
	}
}

// A page of a part of the rows says so, and has no empty tables.
func TestMarkdownOfAPart(t *testing.T) {
	t.Parallel()
	p := sample()
	p.Only, p.Peers, p.Lines = "cores", nil, p.Lines[:1]
	text := markdown(t, p)
	for _, want := range []string{"restricted to `cores`", "In this run all 1 figures"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"## Peers", "chart.svg", "without a target"} {
		if strings.Contains(text, never) {
			t.Errorf("the page says %q", never)
		}
	}
}

func TestAgainst(t *testing.T) {
	t.Parallel()
	l, ok := sample().Against("HMAC, map", &promises.Target{Bound: 343, AtLeast: true})
	if m := l.Median(); !ok || m < 342 || m > 344 {
		t.Errorf("%+v, %v", l, ok)
	}
	if _, ok := sample().Against("nobody", nil); ok {
		t.Error("a peer that does not exist has a ratio")
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := sample().WriteChart(&b); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
	for _, kind := range peers.Kinds() {
		if !strings.Contains(svg, ">"+kind.Name+"<") {
			t.Errorf("the chart lacks %s", kind.Name)
		}
	}
	for _, want := range []string{">100 ns<", ">10 µs<", "700 ns, 7.00 x"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the chart lacks %q", want)
		}
	}
	// Everything is inside, nothing lies behind it, and nothing is near black or white.
	for _, never := range []string{"NaN", "Inf", "#FFFFFF", "#000000", "fill-opacity:0\"", "#-"} {
		if strings.Contains(svg, never) {
			t.Errorf("the chart has %q", never)
		}
	}
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	m := page.ThisMachine()
	if m.Cores < 1 || m.Go == "" || m.System == "" || m.Processor == "" {
		t.Errorf("%+v", m)
	}
}
