// Package report prints what a program measured beside what was wanted, to a terminal and into
// a page of several programs' sections.
package report

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is a figure; Target and Verdict are empty where nothing is wanted of it.
type Row struct {
	What, Measured, Target, Verdict string
}

// Judged is a row with a target.
func Judged(what, measured, target string, reached bool) Row {
	verdict := "MISSED"
	if reached {
		verdict = "PASS"
	}
	return Row{what, measured, target, verdict}
}

// Table is a part of a section.
type Table struct {
	Title string
	Intro string // how it was measured
	Rows  []Row
}

// Section is what one program has to tell.
type Section struct {
	Name    string // of the program; it names the section's place in the page
	Title   string
	Intro   string
	Command string
	Machine Machine
	At      time.Time
	Tables  []Table
}

// Publish says where, when and by which command the section was measured, prints it, and puts it into
// the page, if there is one.
func (s *Section) Publish(flags *flag.FlagSet, to io.Writer, page string) error {
	s.Machine, s.At, s.Command = ThisMachine(), time.Now(), Command(s.Name, flags)
	if err := s.Print(to); err != nil {
		return fmt.Errorf("print the figures: %w", err)
	}
	if page == "" {
		return nil
	}
	return s.Write(page)
}

// Command is what was typed to run a program of this module, but for where its section goes.
func Command(name string, flags *flag.FlagSet) string {
	typed := "go run ./" + name
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "markdown" {
			typed += fmt.Sprintf(" -%s %s", f.Name, f.Value)
		}
	})
	return typed
}

// Missed counts the rows whose target was not reached.
func (s *Section) Missed() (n int) {
	for _, t := range s.Tables {
		for _, r := range t.Rows {
			if r.Verdict == "MISSED" {
				n++
			}
		}
	}
	return n
}

// Print writes the section for people at a terminal.
func (s *Section) Print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\n%s\n", s.Machine, s.Intro)
	for _, t := range s.Tables {
		fmt.Fprintf(w, "\n%s\n", t.Title)
		if t.Intro != "" {
			fmt.Fprintf(w, "%s\n", t.Intro)
		}
		for _, r := range t.Rows {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.What, r.Measured, r.Target, r.Verdict)
		}
	}
	return w.Flush()
}

// markdown is the section as it stands in the page.
func (s *Section) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n\n", s.Title, s.Intro)
	fmt.Fprintf(&b, "`%s` in `benchmarks/`, %s, on %s.\n", s.Command, s.At.Format(time.DateOnly), s.Machine)
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "\n### %s\n\n", t.Title)
		if t.Intro != "" {
			fmt.Fprintf(&b, "%s\n\n", t.Intro)
		}
		fmt.Fprintf(&b, "| what | measured | target | |\n|---|---|---|---|\n")
		for _, r := range t.Rows {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.What, r.Measured, r.Target, r.Verdict)
		}
	}
	return b.String()
}
