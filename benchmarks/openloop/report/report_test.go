package report_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/report"
)

func section(name, figure string) *report.Section {
	return &report.Section{Name: name, Title: "Of " + name, Command: "go run ./" + name, At: time.Unix(0, 0).UTC(), Tables: []report.Table{{
		Title: "Figures",
		Rows: []report.Row{
			{What: "calls", Measured: figure},
			report.Judged("ratio", "2", "<= 3 x", true),
			report.Judged("other", "4", "<= 3 x", false),
		}}}}
}

func write(t *testing.T, s *report.Section, path string) string {
	t.Helper()
	if err := s.Write(path); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// Each program replaces its own section and leaves the other's alone.
func TestWrite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "page.md")
	write(t, section("storm", "111"), path)
	first := write(t, section("flood", "222"), path)
	again := write(t, section("storm", "333"), path)
	if want := strings.Replace(first, "111", "333", 1); again != want || !strings.Contains(again, "222") {
		t.Errorf("got\n%s\nwant\n%s", again, want)
	}
	for _, want := range []string{"| ratio | 2 | <= 3 x | PASS |", "| other | 4 | <= 3 x | MISSED |", "| calls | 333 |  |  |", "1970-01-01"} {
		if !strings.Contains(again, want) {
			t.Errorf("the page lacks %q:\n%s", want, again)
		}
	}
	if err := os.WriteFile(path, []byte("<!-- storm -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := section("storm", "1").Write(path); err == nil {
		t.Error("a section without an end was replaced, and what follows it lost")
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	s := section("storm", "111")
	if n := s.Missed(); n != 1 {
		t.Errorf("%d targets missed, want 1", n)
	}
	var out bytes.Buffer
	if err := s.Print(&out); err != nil || !strings.Contains(out.String(), "MISSED") || !strings.Contains(out.String(), "111") {
		t.Errorf("%v:\n%s", err, &out)
	}
}

// A page names what was run: fewer rounds are not hidden.
func TestCommand(t *testing.T) {
	t.Parallel()
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.Int("rounds", 10, "")
	flags.Int("keys", 10, "")
	flags.String("markdown", "", "")
	if err := flags.Parse([]string{"-rounds", "3", "-markdown", "page.md"}); err != nil {
		t.Fatal(err)
	}
	if got := report.Command("storm", flags); got != "go run ./storm -rounds 3" {
		t.Errorf("got %q", got)
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	if s := report.ThisMachine().String(); !strings.Contains(s, runtime.Version()) {
		t.Error(s)
	}
	peak, err := report.PeakRSS()
	if runtime.GOOS != "linux" {
		if err == nil {
			t.Error("a peak where nobody tells it")
		}
		return
	}
	if err != nil || peak < 1<<20 || peak > 1<<40 {
		t.Errorf("%d bytes, %v", peak, err)
	}
}
