package pgstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// ways are those on which the changes of others arrive: by a hint long before the next look, or by looks alone where
// there are no hints.
var ways = map[string]struct {
	poll     time.Duration
	noListen bool
	dsn      func(*testing.T, string) string
}{
	"by the hint":           {poll: time.Minute},
	"by looks":              {poll: 20 * time.Millisecond, noListen: true},
	"without LISTEN":        {poll: 20 * time.Millisecond, dsn: func(t *testing.T, dsn string) string { p := pgtest.NewProxy(t, dsn); p.NoListen(); return p.DSN() }},
	"through a pooler":      {poll: 20 * time.Millisecond, dsn: pooler},
	"a pooler, and no hint": {poll: 20 * time.Millisecond, noListen: true, dsn: pooler},
}

// pooler shares two connections by the transaction: what listens has another one in the next.
func pooler(t *testing.T, dsn string) string {
	pooled := pgtest.PgBouncer(t, dsn, "default_pool_size=2")
	return with(t, pooled, "default_query_exec_mode", "exec")
}

// What another Store changes is told in the order of the commits, and the Fresh that stands for it comes after it. What changes no
// key as others see it is not told.
func TestFeed(t *testing.T) {
	t.Parallel()
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			there := p.dsn
			if way.dsn != nil {
				there = way.dsn(t, p.dsn)
			}
			o := pgstore.Options{Poll: way.poll, NoListen: way.noListen}
			here, other := p.openAt(there, o), p.openAt(there, o)
			createKeys(t, other, 0, 5)
			told := watch(t, here)
			told.forget()
			createKeys(t, other, 5, 6)
			use := apikey.Use{ID: keyID(0), Number: 1, At: keysMade.Add(time.Hour)}
			if err := other.RecordUse(t.Context(), []apikey.Use{use}); err != nil {
				t.Fatal(err)
			}
			if err := other.Replace(t.Context(), keyRecord(0)); !errors.Is(err, apikey.ErrConflict) { // of Version 0
				t.Fatal(err)
			}
			stale := keyRecord(0)
			stale.Version = 7
			if err := other.Replace(t.Context(), stale); !errors.Is(err, apikey.ErrConflict) {
				t.Fatal(err)
			}
			if err := other.Delete(t.Context(), keyID(99)); !errors.Is(err, apikey.ErrNotFound) {
				t.Fatal(err)
			}
			began := time.Now()
			replaceKey(t, other, 3)
			replaceKey(t, other, 1)
			if err := other.Delete(t.Context(), keyID(4)); err != nil {
				t.Fatal(err)
			}
			replaceKey(t, other, 3)
			committed := time.Now()
			want := []apikey.ID{keyID(3), keyID(1), keyID(4), keyID(3)}
			all := told.until(t, "what another Store changed", func(all []apikey.Change) bool {
				last := inOrder(all, want)
				return last >= 0 && anyFresh(all[last:])
			})
			// A hint names what the look after it tells of again.
			if got := idsOf(all); way.noListen && !slices.Equal(got, want) || slices.ContainsFunc(got, func(id apikey.ID) bool { return !slices.Contains(want, id) }) {
				t.Errorf("told of %v, want %v in the order of their commits", got, want)
			}
			if anyGap(all) {
				t.Error("a Gap, and nothing was lost")
			}
			last := inOrder(all, want)
			for i, c := range all {
				if i < last && c.Fresh.After(committed) {
					t.Error("a Fresh from after the last commit comes before it was told, so that a dead key would be accepted")
				}
			}
			if took := time.Since(began); way.poll == time.Minute && took > way.poll/2 {
				t.Errorf("it took %v: not by the hint", took)
			}
		})
	}
}

// Whoever has watched is told of what comes through its own Store as well, by itself at once and by the log later.
func TestFeedOfOneself(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	s := p.open(pgstore.Options{Poll: time.Minute})
	createKeys(t, s, 0, 1)
	told := watch(t, s)
	told.forget()
	replaceKey(t, s, 0)
	if got := idsOf(told.sofar()); len(got) == 0 {
		t.Error("Replace has returned, and its own watcher knows nothing of it, else a Verifier accepts the old state")
	}
	told.until(t, "one's own change, from the log", func(all []apikey.Change) bool { return len(idsOf(all)) >= 2 && anyFresh(all) })
}

// inOrder returns where the last of ids was told, if all were told in this order, whatever else was between them, or -1.
func inOrder(all []apikey.Change, ids []apikey.ID) int {
	for i, c := range all {
		if len(ids) > 0 && c.ID == ids[0] {
			if ids = ids[1:]; len(ids) == 0 {
				return i
			}
		}
	}
	return -1
}

// The database tells of all that was there when a look began; so it must have begun after the time that it stands for.
// Here the look is held up, and a key is revoked meanwhile.
func TestFreshIsFromBeforeTheLook(t *testing.T) {
	t.Parallel()
	for _, known := range []bool{true, false} { // the second is the first look of all
		p := newPlace(t)
		here, other := p.open(pgstore.Options{Poll: 50 * time.Millisecond}), p.open(pgstore.Options{})
		createKeys(t, other, 0, 1)
		told := &news{more: make(chan struct{}, 1)}
		if known {
			told = watch(t, here)
		}
		lock, err := p.connect().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), "lock table apikey_changes in access exclusive mode"); err != nil {
			t.Fatal(err)
		}
		if !known {
			t.Cleanup(here.Watch(told.told))
		}
		waitFor(t, "a look waits for the table", func() bool {
			return p.looksHeld() > 0
		})
		held := time.Now()
		told.forget()
		// By the one who holds the table: nobody else could.
		if _, err := lock.Exec(t.Context(), "update apikey_feed set head = head + 1"); err != nil {
			t.Fatal(err)
		}
		if _, err := lock.Exec(t.Context(), appended, 1, 77, keyID(0)); err != nil {
			t.Fatal(err)
		}
		if err := lock.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := told.until(t, "the held look", anyFresh)
		first := all[slices.IndexFunc(all, func(c apikey.Change) bool { return !c.Fresh.IsZero() })].Fresh
		if first.After(held) {
			t.Errorf("known %v: the Fresh of a look that was held is %v later than when it was seen waiting, else it vouches for what was committed after it began", known, first.Sub(held))
		}
		if known {
			told.until(t, "the change", tells(keyID(0)))
		}
	}
}

// A hint that comes while a look is under way, of a change that this look does not see, leads to another look. Here the look, which
// has begun and sees what was there then, is held up by a view in the place of the table.
func TestHintDuringALook(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	here, other := p.open(pgstore.Options{Poll: time.Minute}), p.open(pgstore.Options{})
	createKeys(t, other, 0, 1)
	told := watch(t, here)
	p.exec("alter table apikey_changes rename to entries")
	p.exec(`create view apikey_changes as select * from entries where (select pg_advisory_xact_lock_shared(hashtext('` + p.schema + `'))::text) is not null`)
	holder := p.connect()
	mustExec(t, holder, "select pg_advisory_lock(hashtext($1))", p.schema)
	hint := func() { t.Helper(); mustExec(t, holder, "select pg_notify($1, '')", "apikey_"+p.schema) }
	hint()
	waitFor(t, "a look is held", func() bool {
		return p.number("select count(*) from pg_locks where locktype = 'advisory' and not granted and objid::bigint = hashtext(current_schema)::bigint & 4294967295") > 0
	})
	told.forget()
	began := time.Now()
	mustExec(t, holder, "insert into entries (sequence, tag, id, stamp, wall) values (1, 1, $1, 1, 1)", keyID(0))
	hint()
	mustExec(t, holder, "select pg_advisory_unlock(hashtext($1))", p.schema)
	told.until(t, "what was committed during the look", tells(keyID(0)))
	if took := time.Since(began); took > time.Minute/2 {
		t.Errorf("it took %v: it was found by the next look, and not by the hint", took)
	}
}
