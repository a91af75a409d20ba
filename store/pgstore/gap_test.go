package pgstore_test

import (
	"errors"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// What a feed that was away finds in the log, and whether it can tell what it has missed.
func TestGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile string // in one transaction
		gap       bool
		ids       int // at least
	}{
		"nothing": {},
		// The position itself is kept: it says that what follows is all.
		"pruned before the position": {meanwhile: "delete from apikey_changes where sequence < 3"},
		"pruned":                     {meanwhile: "select more(5); delete from apikey_changes where sequence < 6", gap: true},
		"pruned to the newest":       {meanwhile: "select more(5); delete from apikey_changes where sequence < 8", gap: true},
		"taken back": {meanwhile: "delete from apikey_changes where sequence > 1; update apikey_feed set head = 1",
			gap: true},
		"taken back, and on to the same number": {meanwhile: "delete from apikey_changes where sequence > 1; update apikey_feed set head = 1; select more(2)",
			gap: true},
		"taken back, and on": {meanwhile: "delete from apikey_changes where sequence > 1; update apikey_feed set head = 1; select more(7)",
			gap: true},
		"many changes":     {meanwhile: "select more(9000)", ids: 9000},
		"too many changes": {meanwhile: "select more(10001)", gap: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			here, other := p.open(pgstore.Options{Poll: 20 * time.Millisecond}), p.open(pgstore.Options{})
			createKeys(t, other, 0, 1)
			for range 3 {
				replaceKey(t, other, 0)
			}
			p.exec(`create function more(n bigint) returns void language sql as $$
				update apikey_feed set head = head + n;
				insert into apikey_changes (sequence, tag, id, stamp, wall)
				select head - n + i, (random() * 9e18)::bigint, ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid,
					(extract(epoch from clock_timestamp()) * 1000)::bigint, (extract(epoch from clock_timestamp()) * 1000)::bigint
				from apikey_feed, generate_series(1, n) as i $$`)
			told := watch(t, here)
			told.forget()
			if c.meanwhile != "" {
				// A simple query of several statements is one transaction.
				if _, err := p.connect().PgConn().Exec(t.Context(), c.meanwhile).ReadAll(); err != nil {
					t.Fatal(err)
				}
			}
			all := told.newer(t)
			if anyGap(all) != c.gap {
				t.Errorf("Gap: %v, want %v, else what was read before is trusted though it can't be known whether it changed", anyGap(all), c.gap)
			}
			if got := len(idsOf(all)); got < c.ids {
				t.Errorf("told of %d changes one by one, want %d", got, c.ids)
			}
			told.forget()
			replaceKey(t, other, 0)
			if all := told.until(t, "the next change", tells(keyID(0))); anyGap(all) {
				t.Error("a second Gap")
			}
		})
	}
}

// Nobody has watched for a while, so nobody knows what happened meanwhile.
func TestGapAfterAWhile(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{Poll: 20 * time.Millisecond})
	first := &news{more: make(chan struct{}, 1)}
	stop := s.Watch(first.told)
	first.until(t, "the second look, whose statement is then that of the feed's backend", func(all []apikey.Change) bool { return len(all) > 1 })
	if all := first.sofar(); !all[0].Gap {
		t.Errorf("the first news is %v, want a Gap", all[0])
	}
	stop()
	waitFor(t, "the feed rests", func() bool {
		return p.number(`select count(*) from pg_stat_activity where query = 'LISTEN "apikey_'||current_schema||'"' or query like '%"'||current_schema||'".apikey_changes WHERE sequence >=%'`) == 0
	})
	told := len(first.sofar())
	again := watch(t, s)
	if all := again.sofar(); !all[0].Gap {
		t.Errorf("the first news of who came later is %v, want a Gap, else what was changed meanwhile stays hidden", all[0])
	}
	if n := len(first.sofar()); n != told {
		t.Error("who has stopped is still told")
	}
}

// A look that is held up keeps nobody from closing the store, and those who watch from learning of it.
func TestCloseWhileALookIsHeld(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{Poll: 20 * time.Millisecond})
	told := watch(t, s)
	lock, err := p.connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "lock table apikey_changes in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "a look waits for the table", func() bool {
		return p.looksHeld() > 0
	})
	told.forget()
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(tooLong):
		t.Fatal("Close waits for the look")
	}
	if all := told.sofar(); len(all) == 0 || !anyGap(all) {
		t.Errorf("told %v, want a Gap, else what was read before is trusted for as long as MaxStaleness", all)
	}
	told.forget()
	if err := s.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := told.sofar(); anyFresh(all) {
		t.Errorf("told %v after Close has returned", all)
	}
}

// Close tells that nothing can be trusted when no read succeeds any more. The other way around, what is read in between would be
// trusted, with nobody there to tell of its change.
func TestCloseFailsReadsFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{})
	createKeys(t, s, 0, 1)
	watch(t, s)
	answers := make(chan error, 100)
	ctx := t.Context()
	t.Cleanup(s.Watch(func(c apikey.Change) {
		if c.Gap { // of Close: the first look was over
			_, err := s.Get(ctx, keyID(0))
			answers <- err
		}
	}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-answers:
		if !errors.Is(err, pgstore.ErrClosed) {
			t.Errorf("a read at the Gap of Close: %v, want ErrClosed", err)
		}
	default:
		t.Error("no Gap")
	}
}
