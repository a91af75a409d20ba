package pgstore_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// sequences returns those that are left in the log.
func (p *place) sequences() (all []int64) {
	p.Helper()
	rows, err := p.connect().Query(p.Context(), "select sequence from apikey_changes order by sequence")
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			p.Fatal(err)
		}
		all = append(all, n)
	}
	if err := rows.Err(); err != nil {
		p.Fatal(err)
	}
	return all
}

func (p *place) wantSequences(when string, want ...int64) {
	p.Helper()
	if got := p.sequences(); !slices.Equal(got, want) {
		p.Errorf("%s the log has the %d entries %.200v, want %v", when, len(got), fmt.Sprint(got), want)
	}
}

// What a program has seen getting old goes, and nothing else, whatever the clocks say.
func TestPruneByMarks(t *testing.T) {
	t.Parallel()
	for _, clock := range []string{"stamp = stamp", "stamp = 0, wall = 0", "stamp = stamp + 864000000, wall = wall + 864000000"} {
		p := newPlace(t)
		s := p.open(pgstore.Options{})
		createKeys(t, s, 0, 1)
		mark := func() {
			t.Helper()
			if err := pgstore.Mark(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		pgstore.Age(s, 2*time.Second)
		replaceKey(t, s, 0)
		replaceKey(t, s, 0)
		mark()                         // 2
		pgstore.Age(s, 10*time.Minute) //
		replaceKey(t, s, 0)            //
		mark()                         // 3
		pgstore.Age(s, pgstore.KeptFor-time.Minute)
		replaceKey(t, s, 0)
		replaceKey(t, s, 0)
		p.exec("update apikey_changes set " + clock)
		pgstore.Prune(t.Context(), s)
		p.wantSequences(clock, 2, 3, 4, 5)
		pgstore.Age(s, time.Minute)
		pgstore.Prune(t.Context(), s)
		p.wantSequences(clock, 3, 4, 5)
		if got := logged(t, s, apikey.ChangesKept); !slices.Equal(got, []int{0}) {
			t.Errorf("within the time for which changes are kept there were %v", got)
		}
		mark()
		pgstore.Age(s, 24*time.Hour)
		pgstore.Prune(t.Context(), s)
		p.wantSequences("long after the last change", 5) // the newest
	}
}

// A program that has just started has seen nothing. It goes by both clocks, and leaves a day for their mistakes.
func TestPruneByClocks(t *testing.T) {
	t.Parallel()
	const old, young = pgstore.Doubt + time.Hour, pgstore.Doubt - time.Hour
	p := newPlace(t)
	if err := p.open(pgstore.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	p.exec("update apikey_changes set stamp = 1, wall = 1") // entry 0
	p.entered(1, old, old)
	p.entered(2, old, young)
	p.entered(3, young, old)
	p.entered(4, old, old)
	p.exec("update apikey_feed set stamp = (select max(stamp) from apikey_changes)")
	p.entered(5, young, young)
	p.entered(6, 0, 0)
	s := p.open(pgstore.Options{})
	pgstore.Prune(t.Context(), s)
	p.wantSequences("up to what was not a day old by both clocks", 2, 3, 4, 5, 6)
	p.exec("update apikey_changes set stamp = 1, wall = 1")
	p.exec("update apikey_feed set stamp = 1 + $1::bigint", old.Milliseconds())
	pgstore.Prune(t.Context(), s)
	p.wantSequences("where all is old", 6)
	// By the clock of the last change nothing has grown old since.
	p.exec("update apikey_feed set stamp = 2, head = 7")
	pgstore.Prune(t.Context(), s)
	p.wantSequences("where only the clock has gone on", 6)
}

// A log that was taken back and went on is not what the marks were set in: what has their numbers now is young.
func TestPruneOfALogThatWasTakenBack(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s, other := p.open(pgstore.Options{}), p.open(pgstore.Options{})
	createKeys(t, s, 0, 10)
	for range 5 {
		replaceKey(t, s, 9)
	}
	pgstore.Age(s, 2*time.Second)
	if err := pgstore.Mark(t.Context(), s); err != nil { // 5
		t.Fatal(err)
	}
	pgstore.Age(s, 2*pgstore.KeptFor)
	p.exec("delete from apikey_changes where sequence > 2")
	p.exec("update apikey_feed set head = 2")
	pgstore.Prune(t.Context(), s)
	p.wantSequences("taken back", 0, 1, 2)
	for n := range 5 {
		replaceKey(t, other, n)
	}
	pgstore.Prune(t.Context(), s)
	p.wantSequences("taken back, and on", 0, 1, 2, 3, 4, 5, 6, 7)
	if err := pgstore.Mark(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	pgstore.Prune(t.Context(), s)
	p.wantSequences("after another look", 0, 1, 2, 3, 4, 5, 6, 7)
	wantLogged(t, s, apikey.ChangesKept, 0, 1, 2, 3, 4, 9)
}

// Of many old entries a statement takes some, and several programs at once get in nobody's way.
func TestPruneMuch(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	stores := []*pgstore.Store{p.open(pgstore.Options{}), p.open(pgstore.Options{}), p.open(pgstore.Options{})}
	p.exec("update apikey_changes set stamp = 1, wall = 1") // entry 0
	p.exec("update apikey_feed set head = $1::bigint, stamp = 99 + $2::bigint", 2*pgstore.MaxPruned+5, pgstore.Doubt.Milliseconds())
	p.exec("insert into apikey_changes (sequence, tag, id, stamp, wall) select i, i, $1, 1, 1 from generate_series(1, $2::bigint) as i", keyID(0), 2*pgstore.MaxPruned+5)
	if n, err := pgstore.PruneSome(t.Context(), stores[0]); err != nil || n != pgstore.MaxPruned {
		t.Errorf("one statement prunes %d, %v, want %d", n, err, pgstore.MaxPruned)
	}
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() { pgstore.Prune(t.Context(), s) })
	}
	wg.Wait()
	// Each skips what another is at; the last word has whoever comes after both.
	pgstore.Prune(t.Context(), stores[0])
	p.wantSequences("where three were at it", 2*pgstore.MaxPruned+5)
	told := watch(t, stores[1])
	told.forget()
	createKeys(t, stores[0], 0, 1)
	replaceKey(t, stores[0], 0)
	told.until(t, "a change after it", tells(keyID(0)))
}

// A process has as many marks as it needs, and no more the longer it runs.
func TestMarksAreForgotten(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{})
	for range 300 {
		pgstore.Age(s, time.Minute)
		if err := pgstore.Mark(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if n, most := pgstore.Marks(s), int(pgstore.KeptFor/time.Minute)+2; n > most {
		t.Errorf("after five hours there are %d marks, want at most %d", n, most)
	}
}
