//go:build !race && linux

package main

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The race detector would take five times as long for thousands of starts of a store that nobody else uses.

// TestPowerCut: the power fails at any moment, and the disk has kept any part of what was not synced. A sync that fails is
// not in the model, nor a sector that is torn within.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]func(*testing.T) *history{"new": started, "upgrade": upgraded, "after a kill": afterKill, "after a kill in the creation": afterKillInCreation} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := record(t)
			n, loss := h.try(t)
			grown := 0
			for _, c := range h.calls {
				if c.name == "ftruncate" {
					grown++
				}
			}
			t.Logf("%d calls, %d commits, grown %d times, %d states", len(h.calls), len(h.commits()), grown, n)
			switch {
			case loss != nil:
				t.Error(loss)
			case n < 300 || name == "new" && grown == 0:
				t.Error("that is too few")
			}
		})
	}
}

// TestPowerCutControls: leave out a sync that counts, and something is lost.
func TestPowerCutControls(t *testing.T) {
	t.Parallel()
	h := started(t)
	commits := h.commits()
	if len(commits) < 10 {
		t.Fatalf("there are %d commits", len(commits))
	}
	dir := filepath.Dir(h.path)
	// In what Open found there are a meta page and a name that were not synced.
	read, named := afterKill(t), afterKillInCreation(t)
	last := func(calls []call, name string, of func(path string) bool) map[int]bool {
		for i, c := range slices.Backward(calls) {
			if c.name == name && of(c.path) {
				return map[int]bool{i: true}
			}
		}
		t.Fatalf("there is no %s", name)
		return nil
	}
	syncs := func(h *history, of func(path string) bool) map[int]bool {
		all := make(map[int]bool)
		for i, c := range h.calls {
			if strings.HasSuffix(c.name, "sync") && of(c.path) {
				all[i] = true
			}
		}
		return all
	}
	for name, control := range map[string]struct {
		h       *history
		without map[int]bool
	}{
		"the first pages":        {h, map[int]bool{commits[1].data: true}},
		"pages":                  {h, map[int]bool{commits[len(commits)/2].data: true}},
		"the last pages":         {h, map[int]bool{commits[len(commits)-1].data: true}},
		"the last meta page":     {h, map[int]bool{commits[len(commits)-1].meta: true}},
		"the folder":             {h, syncs(h, func(path string) bool { return path == dir })},
		"the file at first":      {h, syncs(h, func(path string) bool { return path != dir && path != h.path })},
		"what was read":          {read, last(read.calls[:read.read.at], "fdatasync", func(path string) bool { return path == read.path })},
		"the name that was read": {named, syncs(named, func(path string) bool { return path == filepath.Dir(named.path) })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lacking := *control.h
			lacking.without = control.without
			lacking.from = slices.Min(slices.Collect(maps.Keys(control.without)))
			n, loss := lacking.try(t)
			t.Logf("%d syncs left out, found in %d states: %v", len(control.without), n, loss)
			if !errors.Is(loss, errLost) && !errors.Is(loss, errDamaged) {
				t.Error("nothing was lost")
			}
		})
	}
}
