package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// outcomes are what was tried on one key, and on one value, by a writer who can't know what came of it where there was an error.
type outcomes struct {
	replaced, maybeReplaced int
	deleted, maybeDeleted   bool
	value, maybeValue       []byte
}

// Connections are cut, and contexts end, in the middle of writes. A nil error means done, any other that it may be; the log has
// exactly what was done, and the store's own watchers know of all that may have been.
func TestWritesAreCut(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proxy := pgtest.NewProxy(t, p.dsn)
	s, direct := p.openAt(proxy.DSN(), pgstore.Options{Poll: faultPoll}), p.open(pgstore.Options{Poll: faultPoll})
	own, others := watch(t, s), watch(t, direct)
	var toldOf sync.Map // how often, by id
	t.Cleanup(s.Watch(func(c apikey.Change) {
		n, _ := toldOf.LoadOrStore(c.ID, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
	}))
	times := func(id apikey.ID) int64 {
		n, _ := toldOf.LoadOrStore(id, new(atomic.Int64))
		return n.(*atomic.Int64).Load()
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const writers, keys = 4, 6
	var done [writers * keys]outcomes
	var writing sync.WaitGroup
	for w := range writers {
		random := rand.New(rand.NewPCG(seed, uint64(w)+1))
		// One in a few is hit. Were it all of them, a slow machine would never get a connection.
		do := func(f func(context.Context) error) error {
			hit := time.Duration(random.IntN(4000)) * time.Microsecond
			ctx, cancel := context.WithTimeout(t.Context(), tooLong)
			defer cancel()
			switch random.IntN(8) {
			case 0:
				ctx, cancel = context.WithTimeout(ctx, hit)
				defer cancel()
			case 1:
				cut := time.AfterFunc(hit, proxy.Cut)
				defer cut.Stop()
			}
			return f(ctx)
		}
		writing.Go(func() {
			for k := w * keys; k < (w+1)*keys; k++ {
				writeCut(t, s, k, random, do, times, &done[k])
			}
		})
	}
	writing.Wait()
	// What was cut off may not be over on the server.
	waitFor(t, "the last statements end", func() bool {
		return p.number(`select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%"'||current_schema||'".apikey_%'`) == 0
	})
	certain := 0
	for k := range done {
		checkCut(t, p, direct, k, &done[k])
		certain += done[k].replaced
		if id := keyID(k); done[k].replaced > 0 && (!tells(id)(own.sofar()) || times(id) == 0) {
			t.Errorf("key %d was changed, and nobody was told", k)
		}
	}
	if total, highest := p.number("select count(*) from apikey_changes"), p.number("select max(sequence) from apikey_changes"); total != highest+1 || highest != p.number("select head from apikey_feed") {
		t.Errorf("the log has %d entries, up to number %d: there is a hole", total, highest)
	}
	for k := range done {
		if done[k].replaced > 0 {
			others.until(t, fmt.Sprintf("the changes of key %d", k), tells(keyID(k)))
		}
	}
	if certain == 0 {
		t.Error("no write succeeded: the cuts are too many for this machine to show anything")
	}
	if anyGap(others.sofar()[1:]) {
		t.Error("a Gap for who was never cut off")
	}
	t.Logf("%d replaces succeeded", certain)
}

// writeCut tries everything with one key.
func writeCut(t *testing.T, s *pgstore.Store, k int, random *rand.Rand, do func(func(context.Context) error) error, times func(apikey.ID) int64, o *outcomes) {
	for created := false; !created; {
		err := do(func(ctx context.Context) error { return s.Create(ctx, keyRecord(k)) })
		created = err == nil || errors.Is(err, apikey.ErrExists) // an earlier try may have done it
	}
	told := func(what string, f func() error) error {
		before := times(keyID(k))
		err := f()
		if times(keyID(k)) == before {
			t.Errorf("%s of key %d returned %v, and the store's own watchers were not told: it may have been done", what, k, err)
		}
		return err
	}
	for range 8 {
		var r *apikey.Record
		waitFor(t, "a read succeeds", func() bool {
			err := do(func(ctx context.Context) (err error) { r, err = s.Get(ctx, keyID(k)); return err })
			return err == nil
		})
		switch err := told("Replace", func() error { return do(func(ctx context.Context) error { return s.Replace(ctx, r) }) }); {
		case err == nil:
			o.replaced++
		case errors.Is(err, apikey.ErrConflict): // what was cut off has come through after all
		default:
			o.maybeReplaced++
		}
		value := fmt.Appendf(nil, "%d", random.Uint64())
		err := do(func(ctx context.Context) error {
			old, err := s.Value(ctx, fmt.Sprint(k))
			if err != nil {
				return err
			}
			o.maybeValue = value
			return s.SwapValue(ctx, fmt.Sprint(k), old, value)
		})
		if err == nil {
			o.value, o.maybeValue = value, nil
		}
	}
	if k%2 == 0 {
		err := told("Delete", func() error { return do(func(ctx context.Context) error { return s.Delete(ctx, keyID(k)) }) })
		o.deleted, o.maybeDeleted = err == nil, err != nil
	}
}

// checkCut compares what is there with what was done.
func checkCut(t *testing.T, p *place, s *pgstore.Store, k int, o *outcomes) {
	t.Helper()
	entries := int(p.number("select count(*) from apikey_changes where id = $1", keyID(k)))
	r, err := s.Get(t.Context(), keyID(k))
	switch {
	case errors.Is(err, apikey.ErrNotFound):
		if !o.deleted && !o.maybeDeleted {
			t.Errorf("key %d is gone, and nobody deleted it", k)
		}
		if most := o.replaced + o.maybeReplaced + 1; entries < o.replaced+1 || entries > most {
			t.Errorf("key %d, deleted, has %d entries in the log, want %d to %d", k, entries, o.replaced+1, most)
		}
	case err != nil:
		t.Fatal(err)
	default:
		if o.deleted {
			t.Errorf("key %d is there, and its deletion was acknowledged", k)
		}
		changes := int(r.Version) - 1
		if changes < o.replaced || changes > o.replaced+o.maybeReplaced {
			t.Errorf("key %d was replaced %d times, want %d and up to %d more", k, changes, o.replaced, o.maybeReplaced)
		}
		if entries != changes {
			t.Errorf("key %d was replaced %d times, and the log has %d entries of it", k, changes, entries)
		}
	}
	value, err := s.Value(t.Context(), fmt.Sprint(k))
	if err != nil {
		t.Fatal(err)
	}
	if o.maybeValue == nil && string(value) != string(o.value) {
		t.Errorf("value %d is %q, and %q was acknowledged last", k, value, o.value)
	}
}
