package pgstore_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// tooLong is what the slowest machine may take for anything that is waited for.
const tooLong = time.Minute

// place is a schema of a test's own, and a way around the store into its tables.
type place struct {
	testing.TB
	dsn, schema string
}

func newPlace(t testing.TB) *place {
	dsn, schema := pgtest.Schema(t)
	return &place{t, dsn, schema}
}

// open returns a Store on the place, as another process would have one.
func (p *place) open(o pgstore.Options) *pgstore.Store {
	p.Helper()
	return p.openAt(p.dsn, o)
}

// openAt is open with another way to the server.
func (p *place) openAt(dsn string, o pgstore.Options) *pgstore.Store {
	p.Helper()
	o.Schema, o.Migrate = p.schema, true
	s, err := pgstore.Open(p.Context(), dsn, &o)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { s.Close() })
	return s
}

// connect opens a connection to the tables, which is closed at the end, whatever state it is in.
func (p *place) connect() *pgx.Conn {
	p.Helper()
	c, err := pgx.Connect(p.Context(), p.dsn)
	if err == nil {
		_, err = c.Exec(p.Context(), "set search_path to "+p.schema)
	}
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.Context()), tooLong)
		defer cancel()
		c.Close(ctx)
	})
	return c
}

// exec executes a statement on a connection of its own.
func (p *place) exec(sql string, args ...any) {
	p.Helper()
	c := p.connect()
	defer c.Close(p.Context())
	mustExec(p, c, sql, args...)
}

// number returns what a query finds.
func (p *place) number(sql string, args ...any) (n int64) {
	p.Helper()
	c := p.connect()
	defer c.Close(p.Context())
	if err := c.QueryRow(p.Context(), sql, args...).Scan(&n); err != nil {
		p.Fatal(err)
	}
	return n
}

func mustExec(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// appended is an entry added to the log by hand.
const appended = "insert into apikey_changes (sequence, tag, id, stamp, wall) select $1::bigint, $2::bigint, $3::uuid, t, t from (select (extract(epoch from clock_timestamp()) * 1000)::bigint) as now (t)"

// waitFor waits until something is the case that nobody tells of.
func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), tooLong)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("it does not happen: %s", what)
		case <-tick.C:
		}
	}
}

var keysMade = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// keyID returns the n-th id in order of creation.
func keyID(n int) (id apikey.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(keysMade.UnixMilli()+int64(n))<<16|7<<12)
	binary.BigEndian.PutUint64(id[8:], 2<<62|uint64(n))
	return id
}

func keyRecord(n int) *apikey.Record {
	return &apikey.Record{
		ID: keyID(n), Prefix: "ak", Type: "api_key", Subject: "user_1", Name: fmt.Sprintf("key %d", n), NameFold: fmt.Sprintf("key %d", n),
		CreatedAt: keysMade, UpdatedAt: keysMade,
		Credentials: []apikey.Credential{{
			Number: 1, Hint: "abcd", CreatedAt: keysMade,
			Hash: "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		}},
	}
}

func createKeys(t testing.TB, s apikey.Store, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := s.Create(t.Context(), keyRecord(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func replaceKey(t testing.TB, s apikey.Store, n int) {
	t.Helper()
	r, err := s.Get(t.Context(), keyID(n))
	if err == nil {
		err = s.Replace(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// looksHeld returns how many looks wait for a lock. Pruning may wait for it, too.
func (p *place) looksHeld() int64 {
	p.Helper()
	return p.number(`select count(*) from pg_stat_activity where wait_event_type = 'Lock'
		and query like 'SELECT NOT %"'||current_schema||'".apikey_changes%'`)
}
