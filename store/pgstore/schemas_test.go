package pgstore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// Two schemas of one database are two stores.
func TestSchemasAreApart(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	_, another := pgtest.Schema(t)
	one, other := open(t, dsn, schema), open(t, dsn, another)
	changed(t, other, 2)
	w := newWatcher()
	defer other.Watch(w.tell)()
	w.awaitFresh(t)
	r := put(t, one, 1, func(r *apikey.Record) { r.UniqueKey = "a" })
	if err := errors.Join(one.SwapValue(t.Context(), "v", nil, []byte("one")), one.Replace(t.Context(), r)); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Get(t.Context(), r.ID); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("a key of the other schema's answers %v; else one tenant's keys are another's", err)
	}
	if n, err := other.Count(t.Context(), apikey.Filter{}); n != 1 || err != nil {
		t.Errorf("there are %d keys, %v", n, err)
	}
	if v, err := other.Value(t.Context(), "v"); v != nil || err != nil {
		t.Errorf("there is a value %q, %v", v, err)
	}
	if all, err := other.Changes(t.Context(), time.Hour); len(all) != 1 || err != nil {
		t.Errorf("its log has %v, %v", all, err)
	}
	put(t, other, 1, func(r *apikey.Record) { r.UniqueKey = "a" })
	w.awaitFresh(t)
	for _, c := range w.told() {
		if c.ID == r.ID {
			t.Error("a watcher is told of the other schema's change")
		}
	}
	// Control: its own changes are told.
	if err := open(t, dsn, another).Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	w.await(t, "of its own schema's change", isOf(r.ID))
}

// The longest name leaves room for that of the channel: with a look a minute, what others change arrives by LISTEN.
func TestLongestSchema(t *testing.T) {
	t.Parallel()
	for name, hints := range map[string]bool{"LISTEN": true, "NoListen": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.DSN(t)
			schema := anyName()
			schema += strings.Repeat("x", 48-len(schema))
			t.Cleanup(func() { run(t, dsn, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
			sent := &texts{all: make(map[string]bool)}
			pool := newPool(t, dsn, func(config *pgxpool.Config) { config.ConnConfig.Tracer = sent })
			opts := pgstore.Options{Schema: schema, Migrate: true, Poll: time.Minute, NoListen: !hints}
			one, other := on(t, pool, opts), on(t, pool, opts)
			r := changed(t, one, 1)
			w := newWatcher()
			defer other.Watch(w.tell)()
			w.await(t, "at first", func(c apikey.Change) bool { return c.Gap })
			if err := one.Replace(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if hints {
				w.await(t, "of a change that was notified", isOf(r.ID)) // which gives up before the next look
			}
			if err := errors.Join(one.Close(), other.Close()); err != nil {
				t.Fatal(err)
			}
			for text := range sent.all {
				if !hints && (strings.Contains(text, "LISTEN") || strings.Contains(text, "notify")) {
					t.Errorf("with NoListen it says %s; else a log of the server's is full of errors where there is none", text)
				}
			}
		})
	}
}
