package pgstore_test

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// state is what a migration may change of a schema.
func state(t *testing.T, dsn, schema string) string {
	t.Helper()
	return ask[string](t, dsn, `SELECT coalesce(string_agg(c.relname || ' ' || c.oid, ', ' ORDER BY c.relname), 'nothing')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1`, schema)
}

// Programs that start at once make the tables once, and all of them can use them.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	stores := make([]*pgstore.Store, 8)
	errs := make([]error, len(stores))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range stores {
		wg.Go(func() {
			<-start
			stores[i], errs[i] = pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: schema, Migrate: true})
		})
	}
	close(start)
	wg.Wait()
	for i, s := range stores {
		if errs[i] != nil {
			t.Errorf("one of %d programs answered %v; else those that are started together don't start", len(stores), errs[i])
			continue
		}
		defer s.Close()
		put(t, s, i, nil)
	}
	if n := ask[int](t, dsn, "SELECT count(*) FROM "+schema+".apikey_schema"); n != 1 {
		t.Errorf("version 1 was applied %d times", n)
	}
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	put(t, open(t, dsn, schema), 1, nil)
	before := state(t, dsn, schema)
	if err := pgstore.Migrate(t.Context(), newPool(t, dsn, nil), &pgstore.Options{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	if after := state(t, dsn, schema); after != before {
		t.Errorf("it has made %s of %s", after, before)
	}
	if n := ask[int](t, dsn, "SELECT count(*) FROM "+schema+".apikey_keys"); n != 1 {
		t.Errorf("there are %d keys, want the one of before", n)
	}
}

// applyByHand does what a tool for migrations does.
func applyByHand(t *testing.T, dsn, schema string) {
	t.Helper()
	names, err := fs.Glob(pgstore.Migrations(), "*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		if want := strconv.Itoa(10_001 + i)[1:] + "_"; !strings.HasPrefix(name, want) || !strings.HasSuffix(name, ".sql") {
			t.Errorf("file %q is not named %s….sql; else tools apply them in another order, or leave one out", name, want)
		}
		text, err := fs.ReadFile(pgstore.Migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		run(t, dsn, "BEGIN; SET LOCAL search_path TO "+schema+";"+string(text)+"; COMMIT")
	}
}

func TestMigrationsByHand(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	run(t, dsn, "CREATE SCHEMA "+schema)
	applyByHand(t, dsn, schema)
	opts := pgstore.Options{Schema: schema}
	s := on(t, newPool(t, dsn, nil), opts)
	r := put(t, s, 1, nil)
	if err := s.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	before := state(t, dsn, schema)
	opts.Migrate = true
	on(t, newPool(t, dsn, nil), opts)
	if after := state(t, dsn, schema); after != before {
		t.Errorf("Migrate has made %s of %s", after, before)
	}
}

// In public there are others' tables, with names like those that a program for keys may have.
func TestMigrateBesideOthers(t *testing.T) {
	t.Parallel()
	const others = `CREATE TABLE keys (id text); CREATE TABLE schema_migrations (version text);
CREATE TABLE apikey (id text); CREATE INDEX apikey_keys_name ON keys (id); INSERT INTO keys VALUES ('theirs')`
	for name, migrate := range map[string]func(t *testing.T, dsn string){
		"by hand": func(t *testing.T, dsn string) { applyByHand(t, dsn, "public") },
		"Migrate": func(t *testing.T, dsn string) {
			if err := pgstore.Migrate(t.Context(), newPool(t, dsn, nil), &pgstore.Options{Schema: "public"}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := newDatabase(t, "ENCODING 'UTF8'")
			run(t, dsn, others)
			migrate(t, dsn)
			put(t, on(t, newPool(t, dsn, nil), pgstore.Options{Schema: "public"}), 1, nil)
			if id := ask[string](t, dsn, "SELECT id FROM keys"); id != "theirs" {
				t.Errorf("another's table has %q", id)
			}
		})
	}
}

// refusedTables is what is no place for keys, and stays as it is.
var refusedTables = []struct {
	name    string
	make    string // after the migration; $s: the schema
	is      error
	says    string
	migrate bool // Migrate is refused, too
}{
	{"newer", "INSERT INTO $s.apikey_schema (version) VALUES (2)", pgstore.ErrNewerSchema, "a newer program", true},
	{"much newer, and of other tables", "UPDATE $s.apikey_schema SET version = 1000; DROP TABLE $s.apikey_feed", pgstore.ErrNewerSchema, "a newer program", true},
	{"older", "TRUNCATE $s.apikey_schema", pgstore.ErrNotMigrated, "set Options.Migrate", false},
	{"no apikey_schema", "DROP TABLE $s.apikey_schema", pgstore.ErrNotMigrated, "set Options.Migrate", false},
	{"no apikey_keys", "DROP TABLE $s.apikey_keys", nil, "has lost apikey_keys", false},
	{"no apikey_values", "DROP TABLE $s.apikey_values", nil, "has lost apikey_values", false},
	{"no apikey_feed", "DROP TABLE $s.apikey_feed", nil, "has lost apikey_feed", false},
	{"no apikey_changes and apikey_feed", "DROP TABLE $s.apikey_changes, $s.apikey_feed", nil, "has lost apikey_feed, apikey_changes", false},
	{"the tables are elsewhere", "CREATE SCHEMA $s_old; ALTER TABLE $s.apikey_values SET SCHEMA $s_old", nil, "has lost apikey_values", false},
	{"nothing in the log", "TRUNCATE $s.apikey_changes", nil, "log of changes", false},
}

func TestOpenRefusesTables(t *testing.T) {
	t.Parallel()
	for _, test := range refusedTables {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			run(t, dsn, strings.ReplaceAll(test.make, "$s", schema))
			t.Cleanup(func() { run(t, dsn, "DROP SCHEMA IF EXISTS "+schema+"_old CASCADE") })
			before := state(t, dsn, schema)
			pool := newPool(t, dsn, nil)
			s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: schema})
			wantRefused(t, s, err, test.is, test.says)
			s, err = pgstore.New(t.Context(), pool, &pgstore.Options{Schema: schema})
			wantRefused(t, s, err, test.is, test.says)
			if s, err = pgstore.New(t.Context(), pool, &pgstore.Options{Schema: schema, Migrate: true}); err == nil {
				s.Close()
				t.Error("with Migrate it opens; else tables that lack something are taken for complete")
			}
			if test.migrate {
				wantRefused(t, s, err, test.is, test.says)
				wantRefused(t, nil, pgstore.Migrate(t.Context(), pool, &pgstore.Options{Schema: schema}), test.is, test.says)
			}
			if after := state(t, dsn, schema); after != before {
				t.Errorf("what was refused has changed from %s to %s", before, after)
			}
		})
	}
}

// A migration that fails on the way leaves nothing behind, and the next one is a whole one.
func TestMigrateFails(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	pool := newPool(t, dsn, nil)
	opts := &pgstore.Options{Schema: schema}
	taken := pgx.Identifier{schema, "apikey_changes"}.Sanitize()
	run(t, dsn, "CREATE SCHEMA "+schema, "CREATE VIEW "+taken+" AS SELECT 1 AS n")
	before := state(t, dsn, schema)
	wantRefused(t, nil, pgstore.Migrate(t.Context(), pool, opts), nil, `"apikey_changes" already exists`)
	if after := state(t, dsn, schema); after != before {
		t.Errorf("a migration that failed has left %s, and there was %s", after, before)
	}
	run(t, dsn, "DROP VIEW "+taken)
	if err := pgstore.Migrate(t.Context(), pool, opts); err != nil {
		t.Errorf("after it: %v", err)
	}
	put(t, on(t, pool, *opts), 1, nil)
	// The search path is that of the transaction alone: the pool is the caller's.
	if path := ask[string](t, dsn, "SHOW search_path"); path == schema {
		t.Error("control: the path is that of the schema for all")
	}
	for _, c := range pool.AcquireAllIdle(t.Context()) {
		var path string
		if err := c.QueryRow(t.Context(), "SHOW search_path").Scan(&path); err != nil || slices.Contains(strings.Split(path, ", "), schema) {
			t.Errorf("a connection of the pool has the search path %s, %v; else the caller's statements mean other tables", path, err)
		}
		c.Release()
	}
}
