// Command compare measures the contenders of caches side by side and writes the figures to a
// file. What the file says from "## Conclusion" on is kept: people write that.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"time"
)

type report struct {
	rounds int
	text   bytes.Buffer
	log    *log.Logger
}

func (r *report) logf(format string, args ...any) { r.log.Printf(format, args...) }

func main() {
	out := flag.String("out", "../docs/caches.md", "the file to write")
	count := flag.Int("rounds", 11, "rounds of each figure")
	keys := flag.Int("keys", 1_000_000, "entries where they are many")
	flag.Parse()
	r := &report{rounds: *count, log: log.New(os.Stderr, "", log.Ltime)}
	if *count < 1 || *keys < 1000 {
		r.log.Fatal("compare: want -rounds of at least 1 and -keys of at least 1000")
	}
	if err := r.run(*out, *keys); err != nil {
		r.log.Fatal(err)
	}
}

func (r *report) run(out string, n int) error {
	conclusion, err := kept(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(&r.text, preface, runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version(),
		time.Now().UTC().Format(time.DateOnly), r.rounds, n)
	r.text.WriteString("\n## Finding, 1,000 entries\n\n")
	r.find(1000)
	fmt.Fprintf(&r.text, "\n## Finding, %d entries\n\n", n)
	r.find(n)
	fmt.Fprintf(&r.text, "\n## Memory, room for %d entries\n\n", n)
	r.heap(n)
	fmt.Fprintf(&r.text, "\n## Evicting: %d keys, room for a tenth\n\n", n)
	r.churn(n)
	fmt.Fprintf(&r.text, "\n## Distrusting, %d entries, two an id, one core\n\n", n)
	r.distrust(n)
	r.text.WriteString("\n" + conclusion)
	if err := os.WriteFile(out, r.text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}

const conclusionHead = "## Conclusion"

// kept returns what people wrote under the figures.
func kept(out string) (string, error) {
	text, err := os.ReadFile(out)
	if os.IsNotExist(err) {
		return conclusionHead + "\n\nTo be written.\n", nil
	} else if err != nil {
		return "", fmt.Errorf("read the conclusion: %w", err)
	}
	_, after, found := strings.Cut(string(text), conclusionHead)
	if !found {
		return "", fmt.Errorf("read the conclusion: %s has none", out)
	}
	return conclusionHead + after, nil
}

// processor names it where the system tells.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "an unnamed processor"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, _ := strings.Cut(s.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unnamed processor"
}
