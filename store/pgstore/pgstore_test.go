package pgstore_test

import (
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

func open(t testing.TB, dsn, name string) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: name, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fresh(t *testing.T) apikey.Store {
	dsn, name := pgtest.Schema(t)
	return open(t, dsn, name)
}

func TestStore(t *testing.T)     { storetest.Run(t, fresh) }
func TestWatcher(t *testing.T)   { storetest.RunWatcher(t, fresh) }
func TestChangeLog(t *testing.T) { storetest.RunChangeLog(t, fresh) }
func TestDurable(t *testing.T) {
	at := make(map[apikey.Store][2]string)
	storetest.RunDurable(t, func(t *testing.T, before apikey.Store) apikey.Store {
		where, ok := at[before]
		if !ok {
			where[0], where[1] = pgtest.Schema(t)
		} else if err := before.(*pgstore.Store).Close(); err != nil {
			t.Fatal(err)
		}
		s := open(t, where[0], where[1])
		at[s] = where
		return s
	})
}
