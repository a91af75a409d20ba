package boltstore_test

import (
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// slack is for how much longer than asked a change is returned.
const slack = time.Minute

// changed returns what was changed within a time, by its sequence.
func changed(t testing.TB, s *boltstore.Store, within time.Duration) map[apikey.ID]uint64 {
	t.Helper()
	all, err := s.Changes(t.Context(), within)
	if err != nil {
		t.Fatal(err)
	}
	of := make(map[apikey.ID]uint64)
	for _, l := range all {
		of[l.ID] = l.Sequence
	}
	return of
}

func replace(t testing.TB, s *boltstore.Store, n int) {
	t.Helper()
	r, err := s.Get(t.Context(), id(n))
	if err == nil {
		err = s.Replace(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// logEntry is one as it is in the file.
func logEntry(sequence uint64, stamp time.Time, id apikey.ID) (key, value []byte) {
	key = binary.BigEndian.AppendUint64(nil, sequence)
	times := binary.BigEndian.AppendUint64(nil, uint64(stamp.UnixMilli()))
	return key, append(append(times, times...), id[:]...)
}

func TestChangesWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		create(t, s, 0, 10)
		for n := range 5 { // 0 is changed forty minutes ago, in the end, and 4 just now
			if n > 0 {
				time.Sleep(10 * time.Minute)
			}
			replace(t, s, n)
		}
		want := func(within time.Duration, want int) {
			t.Helper()
			of := changed(t, s, within)
			for n := range want {
				if _, ok := of[id(4-n)]; !ok {
					t.Errorf("record %d was changed within %v, and is not there", 4-n, within)
				}
			}
			if len(of) != want {
				t.Errorf("%d records were changed within %v, want %d", len(of), within, want)
			}
		}
		for range 2 {
			want(0, 1)
			want(10*time.Minute-slack-time.Millisecond, 1)
			want(10*time.Minute-slack, 2)
			want(10*time.Minute, 2)
			want(40*time.Minute-slack-1, 5) // part of a millisecond is one
			want(apikey.ChangesKept, 5)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path, nil)
		}
		before := changed(t, s, apikey.ChangesKept)
		replace(t, s, 0)
		if of := changed(t, s, 0); len(of) != 2 || of[id(0)] <= before[id(4)] {
			t.Errorf("just now there were %v, before that %v", of, before)
		}
	})
}

// The log is not longer than what was changed in the time for which changes are kept, the newest entry
// stays, and no sequence is used again.
func TestChangesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		create(t, s, 0, 1)
		highest := uint64(0)
		next := func() {
			t.Helper()
			replace(t, s, 0)
			of := changed(t, s, 0)
			if of[id(0)] <= highest {
				t.Errorf("sequence %d after %d", of[id(0)], highest)
			}
			highest = of[id(0)]
		}
		for range 3 * 122 { // three hours
			next()
			time.Sleep(30 * time.Second)
		}
		if n := boltstore.LogLength(s); n > 123 {
			t.Errorf("the log has %d entries, and %d changes were made in an hour and a minute", n, 122)
		}
		for range 100 { // after a rush
			next()
		}
		time.Sleep(2 * time.Hour)
		for range 110 + 1 { // two by each
			next()
		}
		if n := boltstore.LogLength(s); n != 111 {
			t.Errorf("the log has %d entries, want those of the last 111 changes", n)
		}

		time.Sleep(48 * time.Hour)
		if of := changed(t, s, apikey.ChangesKept); len(of) != 0 {
			t.Errorf("changes of the day before yesterday are returned: %v", of)
		}
		for range 200 {
			next()
			time.Sleep(2 * time.Hour)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path, nil)
		}
		if n := boltstore.LogLength(s); n > 14 {
			t.Errorf("the log has %d entries, want those of a day", n)
		}
	})
}

// TestChangesOfAnotherClock: the clock was wrong once, and ahead. What is changed now counts from
// there, is returned, and grows old at the usual pace.
func TestChangesOfAnotherClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, path := openNew(t)
		create(t, s, 0, 10)
		key, value := logEntry(7, time.Now().AddDate(50, 0, 0), id(9))
		if err := boltstore.Put(s, "changes", key, value, true); err != nil {
			t.Fatal(err)
		}
		replace(t, s, 1)
		if of := changed(t, s, 0); of[id(1)] != 8 || of[id(9)] != 7 {
			t.Errorf("just now there were %v", of)
		}
		time.Sleep(40 * time.Minute)
		replace(t, s, 2)
		time.Sleep(40 * time.Minute)
		if of := changed(t, s, apikey.ChangesKept); len(of) != 1 || of[id(2)] != 9 {
			t.Errorf("an hour ago there were %v", of)
		}
		if of := changed(t, s, 10*time.Minute); len(of) != 0 {
			t.Errorf("ten minutes ago there were %v", of)
		}
		replace(t, s, 3)
		if n := boltstore.LogLength(s); n != 2 {
			t.Errorf("the log has %d entries, want 2: it grows for ever", n)
		}
		// Opened again, it goes on from its newest entry, and not from the wall clock.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, path, nil)
		replace(t, s, 4)
		if of := changed(t, s, 0); of[id(3)] != 10 || of[id(4)] != 11 {
			t.Errorf("after reopening there were %v", of)
		}
	})
}

// life is a stretch of time in which a program has the store: what the wall clock says at first, and the
// records that it replaces. Between lives time passes that no clock tells of.
type life struct {
	begins  time.Duration
	changes []int
	lasts   time.Duration
	then    []int // more of them
}

// live has programs open the same file one after the other, and returns the changes that the last is told of.
func live(t *testing.T, within time.Duration, lives ...life) (told map[apikey.ID]uint64, length int) {
	path := filepath.Join(t.TempDir(), "keys.db")
	for i, l := range lives {
		synctest.Test(t, func(t *testing.T) { // whose clocks begin anew
			time.Sleep(l.begins)
			s := open(t, path, nil)
			if i == 0 {
				create(t, s, 0, 10)
			}
			for _, n := range l.changes {
				replace(t, s, n)
			}
			time.Sleep(l.lasts)
			for _, n := range l.then {
				replace(t, s, n)
			}
			told, length = changed(t, s, within), boltstore.LogLength(s)
		})
	}
	return told, length
}

// A wall clock that was ahead, once or twice, and is right again, and one that is set right while the program runs, hide
// nothing that changed in truth a moment ago.
func TestChangesAndWrongClocks(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		lives []life
		told  []int
	}{
		"ahead for one write": {[]life{{begins: 10 * time.Second, changes: []int{1}}, {begins: 2 * time.Hour, changes: []int{2}}, {begins: 30 * time.Second}}, []int{1, 2}},
		"ahead for many writes": {[]life{{begins: 10 * time.Second, changes: []int{1}}, {begins: 2 * time.Hour, changes: []int{2, 2, 2, 2, 2}},
			{begins: 30 * time.Second, changes: []int{3, 3, 3}}}, []int{1, 2, 3}},
		"ahead twice": {[]life{{begins: 10 * time.Second, changes: []int{1, 2}}, {begins: 30 * time.Minute, changes: []int{3}}, {begins: time.Hour, changes: []int{4}},
			{begins: 30 * time.Second}}, []int{1, 2, 3, 4}},
		"behind, and on":       {[]life{{begins: 2 * time.Hour, changes: []int{1}}, {begins: 30 * time.Second, changes: []int{2}, lasts: 10 * time.Second}}, []int{2}},
		"right, a while later": {[]life{{begins: 10 * time.Second, changes: []int{1}}, {begins: 40 * time.Minute, changes: []int{2}, lasts: time.Minute}}, []int{2}},
		"right, long later":    {[]life{{begins: 10 * time.Second, changes: []int{1}}, {begins: 40 * time.Minute, changes: []int{2}, lasts: 20 * time.Minute}}, nil},
	} {
		told, _ := live(t, 17*time.Minute, c.lives...)
		for n := range 10 {
			if want := slices.Contains(c.told, n); want != (told[id(n)] > 0) && (want || strings.HasPrefix(what, "right")) {
				t.Errorf("%s: %v, want %v", what, told, c.told)
			}
		}
	}
	// What a clock a year ahead has logged is forgotten, too, and so is what was logged long ago.
	if _, n := live(t, 0, life{begins: 365 * 24 * time.Hour, changes: []int{1, 2, 3, 4}},
		life{begins: time.Second, changes: []int{5}, lasts: 2 * time.Hour, then: []int{6, 7, 8}}); n != 3 {
		t.Errorf("%d entries", n)
	}
}

func TestChangesRefuses(t *testing.T) {
	t.Parallel()
	s, _ := openNew(t)
	for _, within := range []time.Duration{-1, apikey.ChangesKept + 1} {
		if _, err := s.Changes(t.Context(), within); err == nil {
			t.Errorf("Changes within %v answered no error", within)
		}
	}
}
