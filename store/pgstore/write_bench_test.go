package pgstore_test

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/scale"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// BenchmarkCreate is beside a bare INSERT of the same rows into the same table.
func BenchmarkCreate(b *testing.B) {
	t := newTable(b)
	keys, err := scale.NewKeys(1_000_000)
	if err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	record := func() *apikey.Record { // newer than all, as those are that an Issuer makes
		i := int(next.Add(1))
		r := keys.Record(i % keys.Len())
		binary.BigEndian.PutUint64(r.ID[:], uint64(time.Now().UnixMilli())<<16|7<<12)
		binary.BigEndian.PutUint32(r.ID[12:], uint32(i))
		r.UniqueKey = r.ID.String()
		return r
	}
	create := func(int, int) error { return t.Create(b.Context(), record()) }
	sql := `INSERT INTO ` + t.keys + ` (id, version, body, subject, type, name_fold, unique_key, expires_at, revoked_at, numbers, last_used, used)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	insert := func(int, int) error {
		row, err := pgstore.Row(record())
		if err == nil {
			_, err = t.bare.Exec(b.Context(), sql, row...)
		}
		return err
	}
	besides(b, "Create", create, insert, 1, 8, many)
}

// loaded returns a table of n keys, and its keys.
func loaded(b *testing.B, n int) *large {
	b.Helper()
	keys, err := scale.NewKeys(n)
	if err != nil {
		b.Fatal(err)
	}
	l := &large{newTable(b), keys}
	if err := l.load(b.Context()); err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkReplace is beside a bare UPDATE of the same columns of other rows of the same table, which no log has. Changes
// come one after the other, by the row of apikey_feed, so that their numbers become visible in their order; bare ones do not.
func BenchmarkReplace(b *testing.B) {
	const n = 10_000
	l := loaded(b, n)
	var versions [n]uint64 // each is of one worker
	next := func(worker, i, side int) *apikey.Record {
		i = (i*2*many + 2*worker + side) % (n - n%(2*many))
		versions[i]++
		r := l.Record(i)
		r.Version, r.Description = versions[i], fmt.Sprintf("changed %8d times", versions[i])
		return r
	}
	replace := func(worker, i int) error { return l.Replace(b.Context(), next(worker, i, 0)) }
	sql := `UPDATE ` + l.keys + ` SET version = version + 1, body = $3, subject = $4, type = $5, name_fold = $6, unique_key = $7,
	expires_at = $8, revoked_at = $9, numbers = $10, used = $12 WHERE id = $1 AND version = $2 AND $11::bigint IS NOT NULL`
	update := func(worker, i int) error {
		r := next(worker, i, 1)
		row, err := pgstore.Row(r)
		if err != nil {
			return err
		}
		row[1] = int64(r.Version)
		tag, err := l.bare.Exec(b.Context(), sql, row...)
		if err == nil && tag.RowsAffected() != 1 {
			err = apikey.ErrConflict
		}
		return err
	}
	besides(b, "Replace", replace, update, 1, 8, many)
	l.reportHot(b, "Replace")
}

// BenchmarkRecordUse is beside a bare UPDATE of last_used alone, of as many rows.
func BenchmarkRecordUse(b *testing.B) {
	const n = 10_000
	for _, batch := range []int{100, 1000} {
		l := loaded(b, n)
		var round atomic.Int64
		begun := time.Now().UTC().Truncate(time.Millisecond)
		at := func() time.Time { return begun.Add(time.Duration(round.Add(1)) * time.Millisecond) }
		record := func(_, i int) error {
			uses, now := make([]apikey.Use, batch), at()
			for j := range uses {
				uses[j] = apikey.Use{ID: l.ID(scattered(i*batch+j, n)), Number: 1, At: now}
			}
			return l.RecordUse(b.Context(), uses)
		}
		sql := `UPDATE ` + l.keys + ` AS k SET last_used = u.at FROM unnest($1::uuid[], $2::bigint[]) AS u (id, at) WHERE k.id = u.id`
		update := func(_, i int) error {
			ids, ats, now := make([]pgtype.UUID, batch), make([]int64, batch), at().UnixMilli()
			for j := range ids {
				ids[j] = pgtype.UUID{Bytes: l.ID(scattered(i*batch+j, n)), Valid: true}
				ats[j] = now
			}
			_, err := l.bare.Exec(b.Context(), sql, ids, ats)
			return err
		}
		name := fmt.Sprintf("RecordUse/batch=%d", batch)
		besides(b, name, record, update, 1)
		l.reportHot(b, name)
	}
}

// reportHot says what part of the table's updates wrote no index.
func (t *table) reportHot(b *testing.B, name string) {
	b.Run(name+"/HOT", func(b *testing.B) {
		for b.Loop() { // it is the same each time
		}
		b.ReportMetric(0, "ns/op")
		t.pool.Reset()
		t.bare.Reset()
		time.Sleep(2 * time.Second) // the server's processes have told what they did when they end
		var updates, hot, dead, size float64
		err := t.bare.QueryRow(b.Context(), `SELECT n_tup_upd, n_tup_hot_upd, n_dead_tup, pg_total_relation_size(relid)
FROM pg_stat_user_tables WHERE relid = $1::text::regclass`, t.keys).Scan(&updates, &hot, &dead, &size)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(updates, "updates")
		b.ReportMetric(100*hot/updates, "HOT-%")
		b.ReportMetric(dead, "dead")
		b.ReportMetric(size, "bytes")
	})
}
