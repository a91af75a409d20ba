package pgstore_test

import (
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// asRole returns a DSN of a new role that has these privileges; $s: the schema, $r: the role.
func asRole(t testing.TB, dsn, schema string, grants ...string) string {
	t.Helper()
	role := newRole(t, dsn, "")
	for _, grant := range grants {
		run(t, dsn, strings.NewReplacer("$s", schema, "$r", role).Replace(grant))
	}
	return with(t, dsn, "user", role)
}

const (
	mayEnter = "GRANT USAGE ON SCHEMA $s TO $r"
	mayWrite = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA $s TO $r"
)

// A privilege that is missing is found as the program starts, not by the first revocation.
func TestOpenRefusesRole(t *testing.T) {
	t.Parallel()
	const advice = "GRANT the role USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables"
	for _, test := range []struct {
		name   string
		grants []string
		says   string
	}{
		{"nothing granted", nil, "permission denied for schema"},
		{"no schema", []string{mayWrite}, "permission denied for schema"},
		{"no tables", []string{mayEnter}, "permission denied for table apikey_schema"},
		{"not the version", []string{mayEnter, mayWrite, "REVOKE ALL ON $s.apikey_schema FROM $r"}, "permission denied for table apikey_schema"},
		{"no DELETE of keys", []string{mayEnter, mayWrite, "REVOKE DELETE ON $s.apikey_keys FROM $r"}, "apikey_keys"},
		{"no INSERT of keys", []string{mayEnter, mayWrite, "REVOKE INSERT ON $s.apikey_keys FROM $r"}, "apikey_keys"},
		{"no UPDATE of the feed", []string{mayEnter, mayWrite, "REVOKE UPDATE ON $s.apikey_feed FROM $r"}, "apikey_feed"},
		{"no SELECT of values", []string{mayEnter, mayWrite, "REVOKE SELECT ON $s.apikey_values FROM $r"}, "apikey_values"},
		{"no INSERT of changes", []string{mayEnter, mayWrite, "REVOKE INSERT ON $s.apikey_changes FROM $r"}, "apikey_changes"},
		{"reads alone", []string{mayEnter, "GRANT SELECT ON ALL TABLES IN SCHEMA $s TO $r"}, "no privilege"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := migrated(t)
			role := asRole(t, dsn, schema, test.grants...)
			for _, migrate := range []bool{false, true} {
				s, err := pgstore.Open(t.Context(), role, &pgstore.Options{Schema: schema, Migrate: migrate})
				wantRefused(t, s, err, nil, test.says)
				wantRefused(t, s, err, nil, advice)
			}
		})
	}
}

func TestMigrateRefusesRole(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, make string // before the grant
		grants     []string
		works      bool
	}{
		{"there is no schema", "", nil, false},
		{"the schema is another's", "CREATE SCHEMA $s", []string{mayEnter}, false},
		{"the schema is its own", "CREATE SCHEMA $s", []string{mayEnter, "GRANT CREATE ON SCHEMA $s TO $r"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dsn, schema := pgtest.Schema(t)
			run(t, dsn, strings.ReplaceAll(test.make, "$s", schema))
			role := asRole(t, dsn, schema, test.grants...)
			before := state(t, dsn, schema)
			s, err := pgstore.Open(t.Context(), role, &pgstore.Options{Schema: schema, Migrate: true})
			if test.works {
				if err != nil {
					t.Fatal(err)
				}
				put(t, s, 1, nil)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			wantRefused(t, s, err, nil, "permission denied")
			wantRefused(t, s, err, nil, "or CREATE to migrate")
			if after := state(t, dsn, schema); after != before {
				t.Errorf("it has left %s", after)
			}
		})
	}
}

// What the advice says is enough for all that a store does, also with Migrate where there is nothing to be done.
func TestRoleWithoutCreate(t *testing.T) {
	t.Parallel()
	wholeContract(t)
	dsn, schema := migrated(t)
	role := asRole(t, dsn, schema, mayEnter, mayWrite)
	fresh := func(t *testing.T) apikey.Store {
		empty(t, dsn, schema)
		return open(t, role, schema)
	}
	storetest.Run(t, fresh)
	storetest.RunChangeLog(t, fresh)
}
