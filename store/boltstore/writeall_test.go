package boltstore_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// contents returns the description of every record there is, by way of List and of Get.
func contents(t *testing.T, s *boltstore.Store) (map[apikey.ID]string, error) {
	t.Helper()
	all := make(map[apikey.ID]string)
	for before, more := (apikey.ID{}), true; more; more = !before.IsZero() {
		page, next, err := s.List(t.Context(), apikey.Filter{}, before, 500)
		if err != nil {
			return nil, err
		}
		for _, r := range page {
			got, err := s.Get(t.Context(), r.ID)
			if err != nil {
				return nil, err
			}
			if _, twice := all[r.ID]; twice || got.Description != r.Description {
				return nil, errors.New("a record is listed twice, or as it was")
			}
			all[r.ID] = r.Description
		}
		before = next
	}
	if n, err := s.Count(t.Context(), apikey.Filter{}); err != nil || n != len(all) {
		return nil, errors.Join(err, errors.New("Count differs from List"))
	}
	return all, nil
}

// writeAll writes to every leaf of records, deletes most of them, and opens the file again. It
// must hold what was written: damage that nobody notices may show only when bbolt has built on it.
func writeAll(t *testing.T, how string, s *boltstore.Store, path string) {
	t.Helper()
	before, err := contents(t, s)
	if err != nil {
		t.Errorf("%s: it opens, and reading it answered %v", how, err)
		return
	}
	want := make(map[apikey.ID]string)
	var replaced, deleted []func() error
	for id := range before {
		replaced = append(replaced, func() error {
			r, err := s.Get(t.Context(), id)
			if err != nil {
				return err
			}
			r.Description = "replaced"
			return s.Replace(t.Context(), r)
		})
		if want[id] = "replaced"; id[len(id)-1]%4 > 0 {
			deleted = append(deleted, func() error { return s.Delete(t.Context(), id) })
			delete(want, id)
		}
	}
	for _, operations := range [][]func() error{replaced, deleted, {func() error { return s.Create(t.Context(), record(100_000)) }}} {
		if err := tryTogether(operations); err != nil {
			t.Errorf("%s: it opens, and writing to it answered %v", how, err)
			return
		}
	}
	want[id(100_000)] = record(100_000).Description
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := boltstore.Open(path, nil)
	if err != nil {
		t.Errorf("%s: it opens, and after writes Open answered %v", how, err)
		return
	}
	defer again.Close()
	got, err := contents(t, again)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%s: it opens, and after writes it holds %d records for %d; reading it answered %v", how, len(got), len(want), err)
	}
	if err := boltstore.Check(again); err != nil {
		t.Errorf("%s: it opens, and after writes bbolt finds it damaged: %v", how, err)
	}
}
