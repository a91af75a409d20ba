package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// prepare finds out whether the database can be used, and says what to do if not.
func prepare(ctx context.Context, pool *pgxpool.Pool, q *statements, o Options) error {
	var standby, readOnly bool
	var encoding, commit, isolation string
	err := pool.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only') = 'on',
	pg_catalog.current_setting('server_encoding'), pg_catalog.current_setting('synchronous_commit'), pg_catalog.current_setting('transaction_isolation')`).Scan(&standby, &readOnly, &encoding, &commit, &isolation)
	switch {
	case err != nil:
		return explain("connect", err)
	case standby:
		return ErrStandby
	case readOnly:
		return errors.New("pgstore: transactions are read-only; set default_transaction_read_only to off for the role or the database")
	case encoding != "UTF8":
		return fmt.Errorf("pgstore: the database's encoding is %s, so that it can't hold every name; make one with ENCODING 'UTF8'", encoding)
	case commit == "off":
		return errors.New("pgstore: synchronous_commit is off, so that a crash loses revocations that were acknowledged; ALTER ROLE … SET synchronous_commit = on")
	case isolation == "repeatable read", isolation == "serializable": // there changes collide, and do not wait for each other
		return fmt.Errorf("pgstore: transactions are %s by default; ALTER ROLE … SET default_transaction_isolation = 'read committed'", isolation)
	}
	if o.Migrate {
		err = Migrate(ctx, pool, &o)
	} else {
		err = checkVersion(ctx, pool, q)
	}
	if err != nil {
		return err
	}
	return checkTables(ctx, pool, o.Schema)
}

// checkTables: a table that somebody dropped, or a privilege that was forgotten, is better found now than by the first revocation.
func checkTables(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	missing := []string{"apikey_keys", "apikey_values", "apikey_feed", "apikey_changes"}
	rows, err := pool.Query(ctx, `SELECT c.relname::text,
	pg_catalog.has_table_privilege(c.oid, 'SELECT'::text) AND pg_catalog.has_table_privilege(c.oid, 'INSERT'::text)
	AND pg_catalog.has_table_privilege(c.oid, 'UPDATE'::text) AND pg_catalog.has_table_privilege(c.oid, 'DELETE'::text)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1::text AND c.relname::text = ANY ($2::text[])`, schema, missing)
	if err != nil {
		return explain("look at the tables", err)
	}
	var name string
	var granted bool
	_, err = pgx.ForEachRow(rows, []any{&name, &granted}, func() error {
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
		if !granted {
			return fmt.Errorf("no privilege%s", howToGrant)
		}
		return nil
	})
	switch {
	case err != nil:
		return explain("look at table "+schema+"."+name, err)
	case len(missing) > 0:
		return fmt.Errorf("pgstore: schema %s has lost %s; restore them from a backup, or drop the schema to start anew", schema, strings.Join(missing, ", "))
	}
	return nil
}

const howToGrant = "; GRANT the role USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables, or CREATE to migrate"

// explain says what to do about an answer of the database.
func explain(doing string, err error) error {
	advice := ""
	switch code(err) {
	case noPrivilege:
		advice = howToGrant
	case readOnlyTransaction:
		advice = "; connect to the primary"
	}
	return fmt.Errorf("pgstore: %s: %w%s", doing, err, advice)
}
