package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sizes are those of the database, in bytes, and what the server has counted.
type sizes struct {
	Tables     map[string]table
	WAL        int64 // written by all that goes on at the server
	Autovacuum string
	Changes    int64 // that were logged
}

type table struct {
	Total, Heap, Indexes                       int64
	Live, Dead, Inserts, Updates, HOT, Deletes int64
}

// measure waits for what the processes of the server have counted: each tells it when it ends, and before that when it likes.
func measure(ctx context.Context, pool *pgxpool.Pool, schema string) (s sizes, err error) {
	pool.Reset()
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
		return s, ctx.Err()
	}
	s.Tables = make(map[string]table)
	rows, err := pool.Query(ctx, `SELECT relname, pg_total_relation_size(relid), pg_table_size(relid), pg_indexes_size(relid),
	n_live_tup, n_dead_tup, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del
FROM pg_stat_user_tables WHERE schemaname = $1`, schema)
	if err != nil {
		return s, err
	}
	var name string
	var t table
	if _, err := pgx.ForEachRow(rows, []any{&name, &t.Total, &t.Heap, &t.Indexes, &t.Live, &t.Dead, &t.Inserts, &t.Updates, &t.HOT, &t.Deletes}, func() error {
		s.Tables[name] = t
		return nil
	}); err != nil {
		return s, err
	}
	err = pool.QueryRow(ctx, `SELECT (pg_current_wal_lsn() - '0/0')::bigint, current_setting('autovacuum'), (SELECT head FROM `+schema+`.apikey_feed)`).
		Scan(&s.WAL, &s.Autovacuum, &s.Changes)
	return s, err
}

// since is what was counted from before to s.
func (t table) since(before table) table {
	t.Inserts -= before.Inserts
	t.Updates -= before.Updates
	t.HOT -= before.HOT
	t.Deletes -= before.Deletes
	t.Total -= before.Total
	t.Heap -= before.Heap
	t.Indexes -= before.Indexes
	return t
}
