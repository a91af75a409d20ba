package memstore_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// changed returns the records that were changed within a time, and when, as their sequence says.
func changed(t *testing.T, s *memstore.Store, within time.Duration) map[apikey.ID]uint64 {
	t.Helper()
	all, err := s.Changes(t.Context(), within)
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[apikey.ID]uint64)
	for _, l := range all {
		if of[l.ID] > 0 {
			t.Errorf("record %s is there twice", l.ID)
		}
		of[l.ID] = l.Sequence
	}
	return of
}

func replace(t *testing.T, s *memstore.Store, n int) {
	t.Helper()
	r, err := s.Get(t.Context(), id(n))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func TestChangesWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := fill(t, 10, 1)
		const step = apikey.ChangesKept / 4
		for n := range 5 { // 0 is changed an hour ago, in the end, and 4 just now
			if n > 0 {
				time.Sleep(step)
			}
			replace(t, s, n)
		}
		for within, want := range map[time.Duration]int{
			0: 1, step - 1: 1, step: 2, 4*step - 1: 4, 4 * step: 5,
		} {
			of := changed(t, s, within)
			if len(of) != want {
				t.Errorf("%d records were changed within %v, want %d", len(of), within, want)
			}
			for n := range want {
				if of[id(4-n)] == 0 {
					t.Errorf("record %d was changed within %v, and is not there", 4-n, within)
				}
			}
		}

		// The latest change of a record counts, and one that is gone is remembered as the others are.
		before := changed(t, s, apikey.ChangesKept)
		replace(t, s, 0)
		if err := s.Delete(t.Context(), id(1)); err != nil {
			t.Fatal(err)
		}
		if of := changed(t, s, 0); len(of) != 3 || of[id(0)] <= before[id(4)] || of[id(1)] <= of[id(0)] {
			t.Errorf("just now there were %v, before that %v", of, before)
		}
		time.Sleep(apikey.ChangesKept)
		if of := changed(t, s, apikey.ChangesKept); len(of) != 3 {
			t.Errorf("at the end of the time for which changes are kept %d are there, want 3", len(of))
		}
		time.Sleep(time.Millisecond)
		if of := changed(t, s, apikey.ChangesKept); len(of) != 0 {
			t.Errorf("after the time for which changes are kept %d are there", len(of))
		}
		replace(t, s, 4)
		if of := changed(t, s, apikey.ChangesKept); len(of) != 1 || of[id(4)] <= before[id(4)] {
			t.Errorf("later there were %v, before that %v", of, before)
		}
	})
}

// The log takes up memory for what was changed in the time for which changes are kept, and for each
// record once, however often it was changed.
func TestChangesAreForgotten(t *testing.T) {
	for _, test := range []struct {
		name string
		next func(t *testing.T, s *memstore.Store, i int) // changes a record
	}{
		{"one record", func(t *testing.T, s *memstore.Store, _ int) { replace(t, s, 0) }},
		{"other records, over days", func(t *testing.T, s *memstore.Store, i int) {
			time.Sleep(time.Second)
			if err := s.Create(t.Context(), record(1+i, 1)); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context(), id(1+i)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := fill(t, 1, 1)
				heap := func() int64 {
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					return int64(m.HeapAlloc)
				}
				for i := range 5_000 { // the map of the log has grown to what it needs
					test.next(t, s, i)
				}
				const more = 40_000
				before := heap()
				for i := range more {
					test.next(t, s, 5_000+i)
				}
				// Remembered, each would take more than its id and its time.
				if grown := heap() - before; grown > more*40/4 {
					t.Errorf("%d more changes have taken %d bytes", more, grown)
				}
				if n := len(changed(t, s, apikey.ChangesKept)); n > 3601 {
					t.Errorf("%d records were changed within an hour, want one a second at most", n)
				}
			})
		})
	}
}
