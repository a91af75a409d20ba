package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// wantRefused fails t unless a database is refused with this error, which says what to do, and no word of it is secret.
func wantRefused(t *testing.T, s *pgstore.Store, err, is error, says string, secrets ...string) {
	t.Helper()
	if err == nil {
		s.Close()
		t.Fatalf("it opens; else it must say %q", says)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("the error is %v, and must match %v; else a program can't tell what to do", err, is)
	}
	for _, other := range []error{pgstore.ErrNotMigrated, pgstore.ErrNewerSchema, pgstore.ErrStandby} {
		if other != is && errors.Is(err, other) {
			t.Errorf("the error is %v, and matches %v; else a program does what does not help", err, other)
		}
	}
	if !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "pgstore: ") {
		t.Errorf("the error is %q; it must say %q, and whose it is", err, says)
	}
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error is %q; it must not hold %q, else a password is in the log", err, secret)
		}
	}
}

// Whatever a DSN gets wrong, none of a password is in the error: also not where a character that had to be escaped
// makes something else of it, like the name of a database.
func TestOpenRefusesDSN(t *testing.T) {
	t.Parallel()
	pgtest.DSN(t)
	const neither = "the DSN is neither a URL"
	for _, test := range []struct{ name, dsn, says string }{
		{"empty", "", "the DSN is empty"},
		{"spaces", "  \t", "the DSN is empty"},
		{"a bolt path", "/var/lib/hunter/keys.db", neither},
		{"a file's name", "hunter.db", neither},
		{"another scheme", "mysql://app:hunter@127.0.0.1:1/test", neither},
		{"a scheme with a typing error", "postgress://app:hunter@127.0.0.1:1/test?sslmode=disable", neither},
		{"one slash", "postgres:/app:hunter@127.0.0.1:1/test?sslmode=disable", neither},
		{"in quotes", `"postgres://app:hunter@127.0.0.1:1/test?sslmode=disable"`, neither},
		{"after a space", ` postgres://app:hunter@127.0.0.1:1/test?sslmode=disable`, neither},
		{"no port", "postgres://app:hunter@127.0.0.1:port/test", neither},
		{"a port that is too high", "postgres://app:hunter@127.0.0.1:99999/test", neither},
		{"% in the password", "postgres://app:%hunter@127.0.0.1:1/test", neither},
		{"a space in the password", "postgres://app:hun hunter@127.0.0.1:1/test", neither},
		{"/ in the password", "postgres://app:1/hunter@127.0.0.1:1/test", neither},
		{"@ in the password", "postgres://app:hunter@hunter@127.0.0.1:1/test", neither},
		{"/ and ? in the password", "postgres://app:1/2?hunter@127.0.0.1:1/test", neither},
		{"a space in the password among keywords", "host=127.0.0.1 port=1 user=app password=hun hunter dbname=test", neither},
		{"a quote in the password among keywords", "host=127.0.0.1 port=1 user=app password='hun'hunter dbname=test", neither},
		{"a choice that is none", "postgres://app:hunter@127.0.0.1:1/test?sslmode=maybe", neither},
		{"? in the password", "postgres://app:1?hunter@127.0.0.1:1/test?sslmode=disable", "127.0.0.1:1"},
		{"# in the password", "postgres://app:1#hunter@127.0.0.1:1/test", "127.0.0.1:1"},
		{"@ and / in the password, escaped", "postgres://app:%40hunter%2F@127.0.0.1:1/te%40st", "127.0.0.1:1"},
		{"nobody listens", "postgres://app:hunter@127.0.0.1:1/test", "127.0.0.1:1"},
		{"nobody listens, by keywords", "host=127.0.0.1 port=1 user=app password='hunter \\'hunter' dbname=test", "127.0.0.1:1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := pgstore.Open(t.Context(), test.dsn, nil)
			wantRefused(t, s, err, nil, test.says, "hunter")
		})
	}
}

func TestOpenRefusesDatabase(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	for _, test := range []struct {
		name string
		dsn  string
		says string
	}{
		{"no such database", with(t, dsn, "dbname", "apikey_missing"), `"apikey_missing"`},
		{"no such role", with(t, dsn, "user", "apikey_missing"), `"apikey_missing"`},
		{"a setting that the server does not know", with(t, dsn, "sslmod", "disable"), `"sslmod"`},
		{"transactions are read-only", with(t, dsn, "default_transaction_read_only", "on"), "set default_transaction_read_only to off"},
		{"changes do not wait for each other", with(t, dsn, "default_transaction_isolation", "repeatable read"), "SET default_transaction_isolation = 'read committed'"},
		{"nor do readers", with(t, dsn, "default_transaction_isolation", "serializable"), "SET default_transaction_isolation = 'read committed'"},
		{"a commit is not waited for", with(t, dsn, "synchronous_commit", "off"), "SET synchronous_commit = on"},
	} {
		for _, migrate := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				t.Parallel()
				_, schema := pgtest.Schema(t)
				s, err := pgstore.Open(t.Context(), with(t, test.dsn, "password", "hunter"), &pgstore.Options{Schema: schema, Migrate: migrate})
				wantRefused(t, s, err, nil, test.says, "hunter")
				if ask[bool](t, dsn, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema) {
					t.Error("a database that was refused has a new schema")
				}
			})
		}
	}
	t.Run("what makes no difference", func(t *testing.T) {
		t.Parallel()
		_, schema := pgtest.Schema(t)
		open(t, with(t, dsn, "synchronous_commit", "local", "default_transaction_isolation", "read uncommitted", "application_name", "a b@c", "password", "hunter"), schema)
	})
}

// Not each name fits into LATIN1, and a filter that does not would be answered with an error.
func TestOpenRefusesEncoding(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
	s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Migrate: true})
	wantRefused(t, s, err, nil, "ENCODING 'UTF8'")
}

func TestOpenRefusesOptions(t *testing.T) {
	t.Parallel()
	dsn, schema := pgtest.Schema(t)
	pool := newPool(t, dsn, nil)
	const name, poll = "the name of a schema is", "Poll: "
	for _, test := range []struct {
		name string
		opts pgstore.Options
		says string
	}{
		{"upper case", pgstore.Options{Schema: "Keys"}, name},
		{"a digit first", pgstore.Options{Schema: "1keys"}, name},
		{"49 bytes", pgstore.Options{Schema: strings.Repeat("k", 49)}, name},
		{"a space", pgstore.Options{Schema: "api key"}, name},
		{"a line that follows", pgstore.Options{Schema: "keys\n"}, name},
		{"a hyphen", pgstore.Options{Schema: "api-key"}, name},
		{"a letter that is not ASCII", pgstore.Options{Schema: "clés"}, name},
		{"quotes", pgstore.Options{Schema: `"keys"`}, name},
		{"a quote and more", pgstore.Options{Schema: `keys" CASCADE; DROP SCHEMA public; --`}, name},
		{"a quote of a text", pgstore.Options{Schema: `keys'`}, name},
		{"a statement", pgstore.Options{Schema: "keys; DROP SCHEMA public"}, name},
		{"a dot", pgstore.Options{Schema: "public.keys"}, name},
		{"a dollar", pgstore.Options{Schema: "keys$s"}, name},
		{"NUL", pgstore.Options{Schema: "keys\x00"}, name},
		{"too seldom", pgstore.Options{Schema: schema, Poll: time.Minute + 1}, poll},
		{"too often", pgstore.Options{Schema: schema, Poll: 10*time.Millisecond - 1}, poll},
		{"negative", pgstore.Options{Schema: schema, Poll: -time.Second}, poll},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.opts.Migrate = true
			s, err := pgstore.Open(t.Context(), dsn, &test.opts)
			wantRefused(t, s, err, nil, test.says)
			s, err = pgstore.New(t.Context(), pool, &test.opts)
			wantRefused(t, s, err, nil, test.says)
			wantRefused(t, nil, pgstore.Migrate(t.Context(), pool, &test.opts), nil, test.says)
		})
	}
	for _, poll := range []time.Duration{0, 10 * time.Millisecond, time.Minute} {
		s, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: schema, Migrate: true, Poll: poll})
		if err != nil {
			t.Fatalf("Poll %v: %v", poll, err)
		}
		if poll == 0 {
			poll = 250 * time.Millisecond
		}
		if h := s.Heartbeat(); h != 2*poll {
			t.Errorf("with Poll %v the heartbeat is %v; else a verifier takes a feed for healthy that is not", poll, h)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Nil options are the schema apikey, which is not made without being asked for.
func TestOpenDefaults(t *testing.T) {
	t.Parallel()
	dsn := newDatabase(t, "ENCODING 'UTF8'")
	s, err := pgstore.Open(t.Context(), dsn, nil)
	wantRefused(t, s, err, pgstore.ErrNotMigrated, "set Options.Migrate")
	if err := pgstore.Migrate(t.Context(), newPool(t, dsn, nil), nil); err != nil {
		t.Fatal(err)
	}
	if s, err = pgstore.Open(t.Context(), dsn, nil); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put(t, s, 1, nil)
	if n := ask[int](t, dsn, "SELECT count(*) FROM apikey.apikey_keys"); n != 1 {
		t.Errorf("the schema apikey has %d keys, want 1; else programs with the same options don't see each other's", n)
	}
}

func TestOpenWithADoneContext(t *testing.T) {
	t.Parallel()
	dsn, schema := migrated(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := pgstore.Open(ctx, dsn, &pgstore.Options{Schema: schema, Migrate: true})
	wantRefused(t, s, err, context.Canceled, "")
}
