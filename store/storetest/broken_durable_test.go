package storetest_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// A mapStore that is opened again is the same mapStore, or what a mistake leaves of it.

func TestRunDurable(t *testing.T) {
	storetest.RunDurable(t, func(t *testing.T, reopen apikey.Store) apikey.Store {
		if reopen != nil {
			return reopen
		}
		return newMapStore()
	})
}

func TestBrokenDurableStores(t *testing.T) {
	broken := []struct {
		clause  string
		mistake string
		reopen  func(s *mapStore) apikey.Store
	}{
		{"Records", "versions are lost", func(s *mapStore) apikey.Store {
			for _, r := range s.records {
				r.Version = 1
			}
			return s
		}},
		{"Records", "last uses are lost", func(s *mapStore) apikey.Store {
			for _, r := range s.records {
				*r = forgetUse(r)
			}
			return s
		}},
		{"Records", "the newest is lost", func(s *mapStore) apikey.Store {
			var newest apikey.ID
			for id := range s.records {
				if id.Compare(newest) > 0 {
					newest = id
				}
			}
			delete(s.records, newest)
			return s
		}},
		{"Indexes", "UniqueKeys are lost", func(s *mapStore) apikey.Store { return createsAnyKey{s} }},
		{"Indexes", "subjects are lost", func(s *mapStore) apikey.Store { return firstSubject{s, make(map[apikey.ID]string)} }},
		{"Values", "values are lost", func(s *mapStore) apikey.Store {
			clear(s.values)
			return s
		}},
		{"Values", "empty values are lost", func(s *mapStore) apikey.Store {
			maps.DeleteFunc(s.values, func(_ string, v []byte) bool { return len(v) == 0 })
			return s
		}},
	}
	caught := make(map[string]bool)
	for _, b := range broken {
		t.Run(b.clause+"/"+b.mistake, func(t *testing.T) {
			for _, c := range storetest.DurableClauses {
				if c.Name() == b.clause {
					caught[b.clause] = true
					s := newMapStore()
					wantCaught(t, func(t testing.TB) { c.Check(t, s, func() apikey.Store { return b.reopen(s) }) })
				}
			}
		})
	}
	// Each write in turn is still in memory when the store is closed.
	for _, call := range []string{"Create", "Replace", "Delete", "RecordUse", "SwapValue"} {
		t.Run("EveryWrite/"+call+" is not written", func(t *testing.T) {
			for _, c := range storetest.DurableClauses {
				if c.Name() == "EveryWrite" {
					caught["EveryWrite"] = true
					s := &lazy{mapStore: newMapStore(), call: call}
					wantCaught(t, func(t testing.TB) { c.Check(t, s, s.reopen) })
				}
			}
		})
	}
	caught["Changes"] = true // in TestBrokenDurableChangeLogs
	for _, c := range storetest.DurableClauses {
		if !caught[c.Name()] {
			t.Errorf("no broken store shows that %s catches anything", c.Name())
		}
	}
}

// lazy forgets a call of one method if it was the last write before reopening.
type lazy struct {
	*mapStore
	call string
	last string    // write
	disk *mapStore // what is there without it
}

func (s *lazy) write(call string) {
	s.last = call
	s.disk = &mapStore{records: make(map[apikey.ID]*apikey.Record), values: maps.Clone(s.values)}
	for id, r := range s.records {
		s.disk.records[id] = r.Clone()
	}
}

func (s *lazy) reopen() apikey.Store {
	if s.last == s.call {
		s.mapStore = s.disk
	}
	s.last = ""
	return s
}

func (s *lazy) Create(ctx context.Context, r *apikey.Record) error {
	s.write("Create")
	return s.mapStore.Create(ctx, r)
}

func (s *lazy) Replace(ctx context.Context, r *apikey.Record) error {
	s.write("Replace")
	return s.mapStore.Replace(ctx, r)
}

func (s *lazy) Delete(ctx context.Context, id apikey.ID) error {
	s.write("Delete")
	return s.mapStore.Delete(ctx, id)
}

func (s *lazy) RecordUse(ctx context.Context, uses []apikey.Use) error {
	s.write("RecordUse")
	return s.mapStore.RecordUse(ctx, slices.Clone(uses))
}

func (s *lazy) SwapValue(ctx context.Context, name string, old, new []byte) error {
	s.write("SwapValue")
	return s.mapStore.SwapValue(ctx, name, old, new)
}
