package pgstore_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// with returns a DSN with more settings: names and values in turn.
func with(t testing.TB, dsn string, settings ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" { // keywords and values, of which the last of a name counts
		for i := 0; i < len(settings); i += 2 {
			dsn += " " + settings[i] + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(settings[i+1]) + "'"
		}
		return dsn
	}
	query := u.Query()
	for i := 0; i < len(settings); i += 2 {
		query.Set(settings[i], settings[i+1])
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // as libpq reads it
	return u.String()
}

// run executes statements one after the other, as whom the DSN says.
func run(t testing.TB, dsn string, statements ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // also at the end of a test
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, text := range statements {
		if _, err := c.PgConn().Exec(ctx, text).ReadAll(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// ask returns the one value that a query finds.
func ask[T any](t testing.TB, dsn, query string, args ...any) (value T) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), query, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return value
}

func anyName() string { return "apikey_test_" + strings.ToLower(rand.Text()[:12]) }

// newDatabase makes a database that ends with the test.
func newDatabase(t testing.TB, options string) (dsn string) {
	t.Helper()
	server, name := pgtest.DSN(t), anyName()
	run(t, server, "CREATE DATABASE "+name+" TEMPLATE template0 "+options)
	t.Cleanup(func() { run(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return with(t, server, "dbname", name)
}

// newRole makes a role that has no privilege, and ends with the test.
func newRole(t testing.TB, dsn, options string) (name string) {
	t.Helper()
	name = anyName()
	run(t, dsn, "CREATE ROLE "+name+" LOGIN "+options)
	t.Cleanup(func() { run(t, dsn, "DROP OWNED BY "+name+" CASCADE", "DROP ROLE "+name) })
	return name
}

// migrated returns a schema whose tables are there.
func migrated(t testing.TB) (dsn, schema string) {
	t.Helper()
	dsn, schema = pgtest.Schema(t)
	if err := pgstore.Migrate(t.Context(), newPool(t, dsn, nil), &pgstore.Options{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	return dsn, schema
}

// empty takes all keys and values out of a schema, which costs less than another schema.
func empty(t testing.TB, dsn, schema string) {
	t.Helper()
	run(t, dsn, strings.ReplaceAll(`DELETE FROM $s.apikey_keys; DELETE FROM $s.apikey_values;
DELETE FROM $s.apikey_changes WHERE sequence < (SELECT head FROM $s.apikey_feed);
UPDATE $s.apikey_changes SET id = '00000000-0000-0000-0000-000000000000'`, "$s", schema))
}

// newPool makes a pool of the test's own.
func newPool(t testing.TB, dsn string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// on opens a store on a pool.
func on(t testing.TB, pool *pgxpool.Pool, opts pgstore.Options) *pgstore.Store {
	t.Helper()
	s, err := pgstore.New(t.Context(), pool, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// put stores a record, as an Issuer would have made it, and returns it as it is read.
func put(t testing.TB, s apikey.Store, n int, change func(*apikey.Record)) *apikey.Record {
	t.Helper()
	r := sample(n)
	if change != nil {
		change(r)
	}
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r, err := s.Get(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// execArgs executes one statement that has parameters.
func execArgs(t testing.TB, dsn, statement string, args ...any) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// changed stores a record and changes it. The first change of all lets the log forget where it began, which a watcher is told
// of as a Gap.
func changed(t testing.TB, s apikey.Store, n int) *apikey.Record {
	t.Helper()
	r := put(t, s, n, nil)
	if err := s.Replace(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Version++
	return r
}

// fill stores many records at once.
func fill(t testing.TB, s apikey.Store, n int, change func(n int, r *apikey.Record)) (all []*apikey.Record) {
	t.Helper()
	all = make([]*apikey.Record, n)
	var wg sync.WaitGroup
	const workers = 4
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				all[i] = sample(i)
				change(i, all[i])
				if err := s.Create(t.Context(), all[i]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return all
}
