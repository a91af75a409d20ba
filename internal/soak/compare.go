package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// The limits of the last tenth in terms of the first. What counts bytes and goroutines comes out nearly the same each
// time. The times of calls are those of a machine that others use, too: theirs finds what grows without end.
const (
	limitBytes = 1.25
	limitTime  = 5
	// spareGoroutines may be under way in one moment and not in another: callers' reads and last uses on their way.
	spareGoroutines = 2 * (writers + readers)
	// spareTime of a call is what a machine that does something else for a moment takes, and of one that waits for the
	// disk, what a busy disk does.
	spareTime, spareSync = 100 * time.Microsecond, 500 * time.Millisecond
	// spareBytes of heap and file are what one large transaction more or less takes.
	spareBytes = 2 << 20
)

var errGrew = errors.New("what should stay flat did not")

// compare prints the first beside the last, and is errGrew if something grew beyond its limit.
//
// The log of changes has entries of an hour: until then it grows, and the file by it, with every change. So it is
// no part of the file's figure.
func compare(out io.Writer, first, last tenth) error {
	var errs []error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tfirst tenth\tlast tenth\tratio\tlimit\t")
	row := func(name, a, b string, ratio, limit float64) {
		mark := ""
		if ratio > limit {
			mark = "GREW"
			errs = append(errs, fmt.Errorf("%s went from %s to %s", name, a, b))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%.2f\t%s\n", name, a, b, ratio, limit, mark)
	}
	count := func(name string, a, b, spare int64, limit float64) {
		row(name, fmt.Sprint(a), fmt.Sprint(b), float64(b)/float64(max(a, 1)), limit+float64(spare)/float64(max(a, 1)))
	}
	count("heap, bytes", int64(first.heap), int64(last.heap), spareBytes, limitBytes)
	count("file less its log, bytes", first.file-first.log, last.file-last.log, spareBytes, limitBytes)
	count("keys' pages, bytes", first.keys, last.keys, spareBytes/4, limitBytes)
	count("free pages", int64(first.free), int64(last.free), 256, limitBytes)
	count("goroutines", int64(first.goroutines), int64(last.goroutines), spareGoroutines, 1)
	for k := range kinds {
		a, b := first.p99[k], last.p99[k]
		if first.calls[k] == 0 || last.calls[k] == 0 {
			errs = append(errs, fmt.Errorf("no call of the kind %q", kindNames[k]))
			continue
		}
		spare := spareTime
		if k == create || k == revoke {
			spare = spareSync
		}
		row("p99 of "+kindNames[k], a.String(), b.String(), float64(b)/float64(max(a, 1)), limitTime+float64(spare)/float64(max(a, 1)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "beside these: log of changes %d and %d bytes\n", first.log, last.log)
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", errGrew, errors.Join(errs...))
	}
	return nil
}
