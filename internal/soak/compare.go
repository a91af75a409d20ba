package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// quantity is something that should stay flat: its limit is factor times what it was, and spare more.
type quantity struct {
	name          string
	of            func(tenth) int64
	factor, spare float64
	unit          func(int64) string
}

func quantities() []quantity {
	number := func(n int64) string { return fmt.Sprint(n) }
	duration := func(n int64) string { return time.Duration(n).String() }
	all := []quantity{
		{"heap, bytes", func(t tenth) int64 { return t.heap }, 1.25, 2 << 20, number},
		// Its entries are of an hour: until then the log grows, and the file by it, with every change.
		{"used of the file less its log, bytes", func(t tenth) int64 { return t.used - t.log }, 1.25, 2 << 20, number},
		{"keys' pages, bytes", func(t tenth) int64 { return t.keys }, 1.25, 1 << 19, number},
		{"free pages", func(t tenth) int64 { return t.free }, 1.25, 256, number},
		{"open files", func(t tenth) int64 { return t.files }, 1, 4, number},
		// As many callers may have a read or a last use on its way in one moment and not in another.
		{"goroutines", func(t tenth) int64 { return t.goroutines }, 1, writers + readers, number},
	}
	for k := range kinds {
		// A machine that others use, too, does something else for a moment; and a disk.
		spare := 100 * time.Microsecond
		if k == create || k == revoke {
			spare = 100 * time.Millisecond
		}
		all = append(all, quantity{"p99 of " + kindNames[k], func(t tenth) int64 { return int64(t.p99[k]) }, 5, float64(spare), duration})
	}
	return all
}

var errGrew = errors.New("what should stay flat did not")

// some of the tenths, at the beginning and the end, decide: a busy moment of the machine is in one of them, and growth in all.
const some = 3

// compare prints the first tenth beside the last. It is errGrew if each of the last ones is over the limit that comes of the
// greatest of the first ones.
func compare(out io.Writer, all []tenth) error {
	first, last := all[0], all[len(all)-1]
	var errs []error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tfirst tenth\tlast tenth\tratio\tlimit\t")
	for _, q := range quantities() {
		before, after := of(all[:some], q), of(all[len(all)-some:], q)
		limit := int64(float64(slices.Max(before))*q.factor + q.spare)
		mark := ""
		if slices.Min(after) > limit {
			mark = "GREW"
			errs = append(errs, fmt.Errorf("%s went from %s to %s", q.name, q.unit(q.of(first)), q.unit(q.of(last))))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%s\t%s\n", q.name, q.unit(q.of(first)), q.unit(q.of(last)),
			float64(q.of(last))/float64(max(q.of(first), 1)), q.unit(limit), mark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "beside these: log of changes %d and %d bytes\n", first.log, last.log)
	for k := range kinds {
		if slices.ContainsFunc(all, func(t tenth) bool { return t.calls[k] == 0 }) {
			errs = append(errs, fmt.Errorf("a tenth without a call of the kind %q", kindNames[k]))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%w: %w", errGrew, errors.Join(errs...))
	}
	return nil
}

func of(all []tenth, q quantity) (values []int64) {
	for _, t := range all {
		values = append(values, q.of(t))
	}
	return values
}
