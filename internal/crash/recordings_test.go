//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newHistory is of a folder without a file.
func newHistory(t *testing.T) *history {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // which is how strace spells it
	if err != nil {
		t.Fatal(err)
	}
	return &history{path: filepath.Join(dir, "keys.db"), ledger: newLedger()}
}

// work has another child work on the file as it is.
func (h *history) work(t *testing.T, j job) {
	t.Helper()
	j.Path = h.path
	from := len(h.calls)
	for _, c := range record(t, j) {
		c.begun += from
		h.calls = append(h.calls, c)
	}
}

// started has a child create the file, and work.
func started(t *testing.T) *history {
	t.Helper()
	h := newHistory(t)
	h.work(t, job{Seed: 1, Workers: 4, Operations: 20})
	return h
}

// upgraded begins with a file of format 1 that has keys in it.
func upgraded(t *testing.T) *history {
	t.Helper()
	path, l := worked(t)
	if err := l.downgrade(path); err != nil {
		t.Fatal(err)
	}
	h := newHistory(t)
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(h.path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.before, h.ledger = map[string][]byte{h.path: data}, l
	h.work(t, job{Seed: 2, Workers: 2, Operations: 10})
	return h
}

// killed has one child killed before a call ended, so that another finds what is not on the disk.
func killed(t *testing.T, in func(*history) int) *history {
	t.Helper()
	h := newHistory(t)
	h.work(t, job{Seed: 4, Workers: 2, Operations: 10})
	h.calls = h.calls[:in(h)]
	d := newDisk(filepath.Dir(h.path), nil)
	for i, c := range h.calls {
		if c.name != "say" {
			if err := d.apply(i, &c, func() {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, of := d.after(d.pending), make(map[int]string)
	err := os.Remove(h.path)
	for name, file := range d.now {
		if first := of[file]; first != "" {
			err = errors.Join(err, os.Link(first, name))
			continue
		}
		of[file] = name
		err = errors.Join(err, os.WriteFile(name, files[name], 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	what, err := readContents(h.path)
	if err != nil {
		t.Fatal(err)
	}
	from := len(h.calls)
	h.work(t, job{Seed: 5, Workers: 2, Operations: 15})
	for i, c := range h.calls[from:] {
		if c.name == "say" && strings.Contains(c.args[1], `\x6f\x70\x65\x6e\x65\x64`) { // "opened"
			h.read = &read{from + i, what}
			return h
		}
	}
	t.Fatal("the second child has not opened the file")
	return nil
}

// inLastSync is after the last write, of one of the first two pages.
func inLastSync(h *history) int {
	commits := h.commits()
	return commits[len(commits)-1].meta
}

// inCreation is between the link that gives the file its name and the sync of the folder.
func inCreation(h *history) int {
	return 1 + slices.IndexFunc(h.calls, func(c call) bool { return c.name == "linkat" })
}

func afterKill(t *testing.T) *history           { return killed(t, inLastSync) }
func afterKillInCreation(t *testing.T) *history { return killed(t, inCreation) }

// commit is where the two syncs of one are.
type commit struct{ data, meta int }

// commits finds the syncs between which nothing but one of the two first pages is written.
func (h *history) commits() (all []commit) {
	var before [2]int // the two calls before this one
	for i, c := range h.calls {
		if c.name == "say" {
			continue
		}
		data, meta := &h.calls[before[0]], &h.calls[before[1]]
		if offset, err := meta.number(3); c.name == "fdatasync" && meta.name == "pwrite64" && data.name == "fdatasync" && err == nil && offset < int64(2*os.Getpagesize()) {
			all = append(all, commit{before[0], i})
		}
		before[0], before[1] = before[1], i
	}
	return all
}
