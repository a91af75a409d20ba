package pgstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

var (
	// ErrNotMigrated: the tables are not there, or an older version of them is.
	ErrNotMigrated = errors.New("pgstore: the tables are missing or old; set Options.Migrate, call pgstore.Migrate, or apply pgstore.Migrations")
	// ErrNewerSchema: a newer version of this package has brought the tables to a version that this one does not know.
	ErrNewerSchema = errors.New("pgstore: the tables are of a newer version; a newer program is needed")
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations returns what [Migrate] applies, for programs with a tool of their own: files of SQL whose names begin with their
// numbers, in that order. They name tables without a schema, so search_path says which, and each writes its
// number into apikey_schema. Apply each once, in a transaction.
func Migrations() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// migrations are the file's contents by their numbers, from 1 on.
func migrations() ([]string, error) {
	entries, err := fs.ReadDir(Migrations(), ".") // sorted
	if err != nil {
		return nil, err
	}
	var all []string
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("pgstore: migration %s is not number %d", e.Name(), i+1)
		}
		text, err := fs.ReadFile(Migrations(), e.Name())
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// Migrate makes the schema, if there is none, and brings its tables to the newest version: all of it in one
// transaction, and one program at a time. Where there is nothing to be done it needs no more privileges than a store.
// The role needs CREATE on the database, or on the schema if that is there.
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts *Options) error {
	var o Options
	if opts != nil {
		o = *opts
	}
	q, err := o.complete()
	if err != nil {
		return err
	}
	switch err := checkVersion(ctx, pool, q); {
	case errors.Is(err, ErrNotMigrated):
	default:
		return err
	}
	all, err := migrations()
	if err != nil {
		return err
	}
	// In read committed, what another program has just done is seen once the lock is had.
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error { return migrate(ctx, tx, o.Schema, q, all) })
	if err != nil {
		return explain("migrate schema "+o.Schema, err)
	}
	return nil
}

func migrate(ctx context.Context, tx pgx.Tx, schema string, q *statements, all []string) error {
	lock := fnv.New64a()
	fmt.Fprintf(lock, "apikey pgstore %s", schema)
	if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock($1::bigint)`, int64(lock.Sum64())); err != nil {
		return err
	}
	var exists bool // CREATE SCHEMA IF NOT EXISTS asks for the privilege even then
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)`, schema).Scan(&exists); err != nil {
		return err
	}
	name := pgx.Identifier{schema}.Sanitize()
	if !exists {
		if _, err := tx.Exec(ctx, `CREATE SCHEMA `+name); err != nil {
			return err
		}
	}
	version := 0
	var there bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1::text AND tablename = 'apikey_schema')`, schema).Scan(&there)
	if err == nil && there {
		err = tx.QueryRow(ctx, q.version).Scan(&version)
	}
	if err != nil {
		return err
	}
	if version > len(all) {
		return ErrNewerSchema
	}
	if _, err := tx.Exec(ctx, `SET LOCAL search_path TO `+name); err != nil {
		return err
	}
	for _, text := range slices.Clip(all)[version:] {
		if _, err := tx.Conn().PgConn().Exec(ctx, text).ReadAll(); err != nil { // of several statements
			return err
		}
	}
	return nil
}

// checkVersion reports whether the tables are those that this program knows.
func checkVersion(ctx context.Context, pool *pgxpool.Pool, q *statements) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	var version int
	switch err := pool.QueryRow(ctx, q.version).Scan(&version); {
	case code(err) == undefinedTable, code(err) == undefinedSchema:
		return ErrNotMigrated
	case err != nil:
		return explain("read the version of the tables", err)
	case version > len(all):
		return ErrNewerSchema
	case version < len(all):
		return ErrNotMigrated
	}
	return nil
}
