package pgstore_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// logged returns which of the records 0 to 9 were changed within a time.
func logged(t testing.TB, s *pgstore.Store, within time.Duration) (ns []int) {
	t.Helper()
	all, err := s.Changes(t.Context(), within)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		for n := range 10 {
			if l.ID == keyID(n) {
				ns = append(ns, n)
			}
		}
	}
	if len(ns) != len(all) {
		t.Errorf("%v: %d of them are none of the records", all, len(all)-len(ns))
	}
	slices.Sort(ns)
	return ns
}

func wantLogged(t testing.TB, s *pgstore.Store, within time.Duration, want ...int) {
	t.Helper()
	if got := logged(t, s, within); !slices.Equal(got, want) {
		t.Errorf("within %v there were %v, want %v", within, got, want)
	}
}

// entered writes an entry of the log as it would have been written some time ago, by the stamp and by what the clock said then.
func (p *place) entered(n int, stamp, wall time.Duration) {
	p.Helper()
	p.exec(`with numbered as (update apikey_feed set head = head + 1, stamp = greatest(stamp, (extract(epoch from clock_timestamp()) * 1000)::bigint - $2::bigint) returning head),
		now (t) as (select (extract(epoch from clock_timestamp()) * 1000)::bigint)
		insert into apikey_changes (sequence, tag, id, stamp, wall)
		select head, (random() * 9e18)::bigint, $1::uuid, t - $2::bigint, t - $3::bigint from numbered, now`,
		keyID(n), stamp.Milliseconds(), wall.Milliseconds())
}

// By what a program has seen itself: its own clock goes on at the same pace whatever any other says.
func TestChangesByMarks(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{})
	createKeys(t, s, 0, 10)
	mark := func() {
		t.Helper()
		if err := pgstore.Mark(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	pgstore.Age(s, 2*time.Second) // or the next mark is left out
	for n := range 4 {            // 0 is changed half an hour ago, in the end, and 3 just now
		replaceKey(t, s, n)
		if n < 3 {
			mark()
			pgstore.Age(s, 10*time.Minute)
		}
	}
	// All entries look young, and old: by the clocks.
	for _, clock := range []string{"stamp = stamp, wall = wall", "stamp = stamp + 86400000, wall = wall + 86400000", "stamp = stamp - 86400000, wall = wall - 86400000"} {
		p.exec("update apikey_changes set " + clock)
		wantLogged(t, s, 0, 3)
		wantLogged(t, s, 9*time.Minute, 3)
		wantLogged(t, s, 11*time.Minute, 2, 3)
		wantLogged(t, s, 19*time.Minute, 2, 3)
		wantLogged(t, s, 21*time.Minute, 1, 2, 3)
		// From before there is no mark, but all is known to be younger than the store has been open.
		wantLogged(t, s, 40*time.Minute, 0, 1, 2, 3)
		wantLogged(t, s, apikey.ChangesKept, 0, 1, 2, 3)
	}
}

// By the clocks: what was there when the store was opened. A clock that is wrong, or was, hides nothing.
func TestChangesByClocks(t *testing.T) {
	t.Parallel()
	const minute, hour, year = time.Minute, time.Hour, 365 * 24 * time.Hour
	type entry struct{ stamp, wall time.Duration } // how long ago
	for name, c := range map[string]struct {
		entries []entry
		want    []int
	}{
		"right":              {[]entry{{2 * hour, 2 * hour}, {32 * minute, 32 * minute}, {30*minute + 30*time.Second, 30*minute + 30*time.Second}, {10 * minute, 10 * minute}}, []int{2, 3}},
		"none that is young": {[]entry{{2 * hour, 2 * hour}, {32 * minute, 32 * minute}}, nil},
		// The second was written by a clock that was a year ahead, the third after it was right again.
		"ahead once": {[]entry{{20 * minute, 20 * minute}, {-year, -year}, {-year, 10 * minute}}, []int{0, 1, 2}},
		// The clock is behind now: what it says of the last hour lies in the future.
		"set back": {[]entry{{-hour, -hour}, {-hour - minute, -hour - minute}}, []int{0, 1}},
		// It was behind, by years, and was then set right: by both ages all is old but for what is new.
		"was behind": {[]entry{{5 * year, 5 * year}, {10 * minute, 10 * minute}}, []int{1}},
		// It was ahead and is right again for long: only the stamps still count from there.
		// What such a clock has written gets old by itself, too.
		"ahead, and old": {[]entry{{2*hour - year, 40 * hour}, {-year, 39 * hour}}, []int{1}},
		"ahead long ago": {[]entry{{-year, -year}, {-year, 40 * hour}, {-year - minute, 39 * hour}}, []int{0, 1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			if err := p.open(pgstore.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			for n, e := range c.entries {
				p.entered(n, e.stamp, e.wall)
			}
			s := p.open(pgstore.Options{})
			wantLogged(t, s, 30*minute, c.want...)
			createKeys(t, s, 9, 10)
			replaceKey(t, s, 9)
			wantLogged(t, s, 30*minute, append(c.want, 9)...)
			if got := logged(t, s, 0); !slices.Contains(got, 9) {
				t.Errorf("just now there were %v, want 9 among them", got)
			}
		})
	}
}

// A log that was taken back and went on has other entries under the numbers of old marks.
func TestChangesOfALogThatWasTakenBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s, other := p.open(pgstore.Options{}), p.open(pgstore.Options{})
	createKeys(t, s, 0, 10)
	for range 5 {
		replaceKey(t, s, 9)
	}
	pgstore.Age(s, 2*time.Second)
	if err := pgstore.Mark(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	pgstore.Age(s, 30*time.Minute)
	p.exec("delete from apikey_changes where sequence > 0")
	p.exec("update apikey_feed set head = 0")
	for n := range 8 {
		replaceKey(t, other, n)
	}
	wantLogged(t, s, 20*time.Minute, 0, 1, 2, 3, 4, 5, 6, 7)
	// By the clocks then, with a minute more for the time from the stamp to the commit.
	const older = "update apikey_changes set stamp = stamp - $1::bigint, wall = wall - $1::bigint where id = $2"
	p.exec(older, (20*time.Minute + 30*time.Second).Milliseconds(), keyID(0))
	p.exec(older, (22 * time.Minute).Milliseconds(), keyID(1))
	wantLogged(t, s, 20*time.Minute, 0, 2, 3, 4, 5, 6, 7)
	// A watcher finds out, and from then on there are other marks.
	watch(t, s)
	wantLogged(t, s, 20*time.Minute, 0, 2, 3, 4, 5, 6, 7)
}

// A stamp is never less than the one before it, whatever the clock says; what the clock says is there beside it.
func TestStampsNeverGoBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{})
	createKeys(t, s, 0, 2)
	p.entered(9, -time.Hour, -time.Hour) // by a clock that was ahead
	ahead := p.number("select stamp from apikey_feed")
	replaceKey(t, s, 0)
	if err := s.Delete(t.Context(), keyID(1)); err != nil {
		t.Fatal(err)
	}
	if n := p.number("select count(*) from apikey_changes where sequence > 1 and stamp = $1 and wall < $1", ahead); n != 2 {
		t.Errorf("%d of two entries have the stamp of the one before them, and the time of the clock, else their age by the stamp is too great", n)
	}
}

// The latest change of a record counts, and its sequence grows with each.
func TestChangesOfOneRecord(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s, other := p.open(pgstore.Options{}), p.open(pgstore.Options{})
	createKeys(t, s, 0, 3)
	of := func() map[apikey.ID]uint64 {
		t.Helper()
		all, err := s.Changes(t.Context(), apikey.ChangesKept)
		if err != nil {
			t.Fatal(err)
		}
		of := make(map[apikey.ID]uint64)
		for _, l := range all {
			if of[l.ID] != 0 {
				t.Errorf("record %v is there twice", l.ID)
			}
			of[l.ID] = l.Sequence
		}
		return of
	}
	before := make(map[apikey.ID]uint64)
	for range 5 {
		replaceKey(t, s, 0)
		replaceKey(t, other, 1)
		now := of()
		for n := range 2 {
			if now[keyID(n)] <= before[keyID(n)] {
				t.Errorf("record %d has sequence %d, and had %d before its change", n, now[keyID(n)], before[keyID(n)])
			}
		}
		before = now
	}
	if len(before) != 2 {
		t.Errorf("%v were changed, want two", slices.Collect(maps.Keys(before)))
	}
	for _, within := range []time.Duration{-1, apikey.ChangesKept + 1} {
		if _, err := s.Changes(t.Context(), within); err == nil {
			t.Errorf("changes within %v: no error", within)
		}
	}
}
