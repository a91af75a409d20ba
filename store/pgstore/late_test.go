package pgstore_test

import (
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// A number that becomes visible after a later one would be missed by whoever has read the later one. So whoever takes a number
// makes all others wait until its commit, or until it is given back.
func TestNumbersBecomeVisibleInOrder(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{true, false} {
		p := newPlace(t)
		here, other := p.open(pgstore.Options{Poll: 20 * time.Millisecond}), p.open(pgstore.Options{NoListen: true})
		createKeys(t, other, 0, 2)
		told := watch(t, here)
		told.forget()
		slow, err := p.connect().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var taken int64
		if err := slow.QueryRow(t.Context(), "update apikey_feed set head = head + 1 returning head").Scan(&taken); err != nil {
			t.Fatal(err)
		}
		if _, err := slow.Exec(t.Context(), appended, taken, 77, keyID(0)); err != nil {
			t.Fatal(err)
		}
		returned := make(chan error, 1)
		go func() {
			r, err := other.Get(t.Context(), keyID(1))
			if err == nil {
				err = other.Replace(t.Context(), r)
			}
			returned <- err
		}()
		waitFor(t, "the second change waits for the first", func() bool {
			return p.number(`select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%"'||current_schema||'".apikey_feed%'`) > 0
		})
		if told.newer(t); len(idsOf(told.sofar())) > 0 {
			t.Errorf("told of %v, which is not committed", told.sofar())
		}
		select {
		case err := <-returned:
			t.Fatalf("it has returned %v, and an earlier number is not committed", err)
		default:
		}
		want := []apikey.ID{keyID(0), keyID(1)}
		if commits {
			err = slow.Commit(t.Context())
		} else {
			want = want[1:]
			taken--
			err = slow.Rollback(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := <-returned; err != nil {
			t.Fatal(err)
		}
		if got := p.number("select sequence from apikey_changes where id = $1", keyID(1)); got != taken+1 {
			t.Errorf("its number is %d, want %d: none is left out", got, taken+1)
		}
		if got := idsOf(told.until(t, "both", tells(want...))); !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
	}
}

// No Store leaves a number out, but a hand might. What comes in its place later is told, and until then all others are.
func TestNumberThatComesLate(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	here := p.open(pgstore.Options{Poll: 20 * time.Millisecond})
	told := watch(t, here)
	told.forget()
	p.exec(appended, 2, 22, keyID(2))
	told.until(t, "the later one", tells(keyID(2)))
	told.newer(t) // the feed goes on
	p.exec(appended, 3, 33, keyID(3))
	told.until(t, "one after that", tells(keyID(3)))
	if slices.Contains(idsOf(told.sofar()), keyID(1)) {
		t.Error("told of what was not there yet")
	}
	p.exec(appended, 1, 11, keyID(1))
	told.until(t, "the earlier one, which came late", tells(keyID(1)))
	told.forget()
	told.newer(t)
	told.forget() // of a look that was under way
	all := told.newer(t)
	if ids := idsOf(all); len(ids) > 0 {
		t.Errorf("told of %v again, and there is no hole any more", ids)
	}
	if anyGap(all) {
		t.Error("a Gap, and nothing was lost")
	}
}

// A hole that stays is not fatal.
func TestNumberThatNeverComes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	here, other := p.open(pgstore.Options{Poll: 20 * time.Millisecond, NoListen: true}), p.open(pgstore.Options{})
	createKeys(t, other, 0, 3)
	told := watch(t, here)
	p.exec("update apikey_feed set head = head + 1")
	told.forget()
	for n := range 3 {
		replaceKey(t, other, n)
		told.until(t, "a change after the hole", tells(keyID(n)))
		told.newer(t)
	}
	all := told.sofar()
	hole := slices.IndexFunc(all, tellsOf(keyID(0)))
	for _, c := range all[hole:] {
		if !c.Fresh.IsZero() && !c.Gap {
			t.Errorf("a Fresh without a Gap, where nobody knows what a number that is missing stood for, else that is trusted for good: %v", all)
			break
		}
	}
}

func tellsOf(id apikey.ID) func(apikey.Change) bool {
	return func(c apikey.Change) bool { return c.ID == id }
}
