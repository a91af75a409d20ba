package pgstore

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// parse reads a DSN. Its errors repeat none of it: there may be a password in it, where a mistake has put it.
func parse(dsn string) (*pgxpool.Config, error) {
	if strings.TrimSpace(dsn) == "" { // pgx would take whatever database is near
		return nil, errors.New("pgstore: the DSN is empty; is a variable not set? It is a URL, postgres://user@host:5432/database, or keywords and values, host=… user=… dbname=…")
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil || misread(dsn, &config.ConnConfig.Config) {
		return nil, errors.New("pgstore: the DSN is neither a URL, postgres://user@host:5432/database, nor keywords and values, host=… user=… dbname=…, that pgx understands; in a URL's password, write %40 for @ and %2F for /")
	}
	if config.ConnConfig.ValidateConnect == nil {
		config.ConnConfig.ValidateConnect = isPrimary // with several hosts, the next one is tried
	}
	return config, nil
}

var parameter = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.]*$`)

// misread reports whether a part of a password may have become another part of the DSN. pgx takes any name for one of a
// parameter, also all of a URL up to its first =, and sends it to a server, which repeats it, as the errors of
// pgx repeat a host and a database.
func misread(dsn string, c *pgconn.Config) bool {
	for name := range c.RuntimeParams {
		if !parameter.MatchString(name) {
			return true
		}
	}
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	isURL := strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
	return isURL && (strings.Contains(strings.Join(hosts, ""), "@") ||
		strings.Contains(c.Database, "@") && strings.Contains(dsn, c.Database)) // that is, not escaped
}

func isPrimary(ctx context.Context, c *pgconn.PgConn) error {
	result := c.ExecParams(ctx, `SELECT pg_is_in_recovery()`, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if len(result.Rows) != 1 || string(result.Rows[0][0]) != "f" {
		return ErrStandby
	}
	return nil
}

// prepare finds out whether the database can be used, and says what to do if not.
func prepare(ctx context.Context, pool *pgxpool.Pool, q *statements, o Options) error {
	var standby, readOnly bool
	var encoding, commit string
	err := pool.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
	current_setting('server_encoding'), current_setting('synchronous_commit')`).Scan(&standby, &readOnly, &encoding, &commit)
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
	has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
	AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
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
		return fmt.Errorf("%w: in schema %s there is no %s", ErrNotMigrated, schema, strings.Join(missing, ", "))
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
