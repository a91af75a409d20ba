package pgstore_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// large is a store of many keys.
type large struct {
	*table
	*scale.Keys
}

// sizes are the numbers of keys that APIKEY_SCALE names: "10k", unless it is set, or say "10k,1M".
func sizes(t testing.TB) []int {
	t.Helper()
	list := os.Getenv("APIKEY_SCALE")
	if list == "" {
		list = "10k"
	}
	all, err := scale.Sizes(list)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// newLarge loads n keys. With APIKEY_SCALE_SCHEMA they stay, in a schema of that name and the number, for the next
// run: a million take more than a minute.
func newLarge(t testing.TB, n int) *large {
	t.Helper()
	dsn, schema := pgtest.Schema(t)
	if kept := os.Getenv("APIKEY_SCALE_SCHEMA"); kept != "" {
		schema = strings.ToLower(kept + "_" + scale.Size(n))
	}
	keys, err := scale.NewKeys(n)
	if err != nil {
		t.Fatal(err)
	}
	l := &large{newTableIn(t, dsn, schema), keys}
	switch count, err := l.Count(t.Context(), apikey.Filter{}); {
	case err != nil:
		t.Fatal(err)
	case count == 0:
		if err := l.load(t.Context()); err != nil {
			t.Fatal(err)
		}
	case count != n:
		t.Fatalf("schema %s has %d keys, want %d", schema, count, n)
	}
	return l
}

// load copies the rows that Create would have written, see TestLoaded.
func (l *large) load(ctx context.Context) error {
	at := 0
	from := pgx.CopyFromFunc(func() ([]any, error) {
		if at++; at > l.Len() {
			return nil, nil
		}
		return pgstore.Row(l.Record(at - 1))
	})
	if _, err := l.bare.CopyFrom(ctx, pgx.Identifier{l.schema, "apikey_keys"}, pgstore.Columns, from); err != nil {
		return err
	}
	_, err := l.bare.Exec(ctx, `VACUUM (ANALYZE) `+l.keys) // as autovacuum does, some time later
	return err
}

// TestLoaded: a row that is copied is the row that Create writes.
func TestLoaded(t *testing.T) {
	t.Parallel()
	const n = 100
	loaded := newLarge(t, n)
	dsn, schema := pgtest.Schema(t)
	created := newTableIn(t, dsn, schema)
	rows := func(of *table) (all []string) {
		found, err := of.bare.Query(t.Context(), `SELECT k::text FROM `+of.keys+` AS k ORDER BY id`)
		if err == nil {
			all, err = pgx.CollectRows(found, pgx.RowTo[string])
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for i := range n {
		if err := created.Create(t.Context(), loaded.Record(i)); err != nil {
			t.Fatal(err)
		}
	}
	got, want := rows(loaded.table), rows(created)
	if len(got) != n || len(want) != n {
		t.Fatalf("%d rows are loaded, %d created, want %d", len(got), len(want), n)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("loaded: %s\ncreated: %s", got[i], want[i])
		}
	}
}
