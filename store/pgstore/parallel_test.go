package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// crowd is a store with many connections, and what its log of changes must hold.
type crowd struct {
	*testing.T
	store       *pgstore.Store
	dsn, schema string
	changed     []apikey.ID
}

// inCrowd runs f with a store of 32 connections. Not in parallel with others, who need some of the server's 100.
func inCrowd(t *testing.T, f func(c *crowd)) {
	dsn, schema := pgtest.Schema(t)
	s, err := pgstore.Open(t.Context(), with(t, dsn, "pool_max_conns", "32"), &pgstore.Options{Schema: schema, Migrate: true, NoListen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	c := &crowd{T: t, store: s, dsn: dsn, schema: schema}
	f(c)
	c.expectLog()
}

// create makes a key of Version 1.
func (c *crowd) create(n byte) *apikey.Record {
	c.Helper()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r := &apikey.Record{ID: apikey.ID{15: n + 1}, Version: 1, Prefix: "ak", Type: "api_key", Subject: "user_1",
		Name: "Parallel", NameFold: "parallel", CreatedAt: at, UpdatedAt: at}
	if err := c.store.Create(c.Context(), r); err != nil {
		c.Fatal(err)
	}
	return r
}

// atOnce has many callers begin together, and returns how they ended.
func atOnce(call func(n int) error) (ended []error) {
	ended = make([]error, many)
	start := make(chan struct{})
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			<-start
			ended[n] = call(n)
		})
	}
	close(start)
	all.Wait()
	return ended
}

// expectLog compares the log with what was changed: each change is in it once, and no number is missing.
func (c *crowd) expectLog() {
	c.Helper()
	latest, times := make(map[apikey.ID]uint64), make(map[apikey.ID]int)
	conn, err := pgx.Connect(c.Context(), c.dsn)
	if err != nil {
		c.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(c.Context()))
	rows, err := conn.Query(c.Context(), `SELECT sequence, id FROM `+c.schema+`.apikey_changes WHERE sequence > 0 ORDER BY sequence`)
	if err != nil {
		c.Fatal(err)
	}
	var sequence, last int64
	var id [16]byte
	_, err = pgx.ForEachRow(rows, []any{&sequence, &id}, func() error {
		if last++; sequence != last {
			c.Errorf("in the log %d follows %d: who has read that far has missed something, or will wait for it", sequence, last-1)
			last = sequence
		}
		times[id]++
		latest[id] = uint64(sequence)
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	var head int64
	if err := conn.QueryRow(c.Context(), `SELECT head FROM `+c.schema+`.apikey_feed`).Scan(&head); err != nil {
		c.Fatal(err)
	}
	if head != last || last != int64(len(c.changed)) {
		c.Errorf("there were %d changes, the log ends with %d, and its head says %d", len(c.changed), last, head)
	}
	for _, id := range c.changed {
		times[id]--
	}
	for id, n := range times {
		if n != 0 {
			c.Errorf("key %s is in the log %d times too often, below zero: too rarely", id, n)
		}
	}
	logged, err := c.store.Changes(c.Context(), time.Minute)
	if err != nil {
		c.Fatal(err)
	}
	for _, one := range logged {
		if latest[one.ID] != one.Sequence {
			c.Errorf("Changes says that key %s was changed last by %d, and the log %d", one.ID, one.Sequence, latest[one.ID])
		}
		delete(latest, one.ID)
	}
	if len(latest) > 0 {
		c.Errorf("Changes leaves out %d keys that were changed just now", len(latest))
	}
}

// Of all who replace one Version, one wins and the others learn that they have not.
func TestOneWinnerForEachVersion(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		r := c.create(0)
		for version := uint64(1); version <= 20; version++ {
			r.Version = version
			won := 0
			for _, err := range atOnce(func(int) error { return c.store.Replace(c.Context(), r.Clone()) }) {
				if err == nil {
					won++
					c.changed = append(c.changed, r.ID)
				} else if !errors.Is(err, apikey.ErrConflict) {
					c.Errorf("version %d: %v: who loses must learn it by ErrConflict, or a revocation that would succeed is reported as failed", version, err)
				}
			}
			if won != 1 {
				c.Fatalf("version %d: %d of %d callers replaced it, want one", version, won, many)
			}
			if now, err := c.store.Get(c.Context(), r.ID); err != nil || now.Version != version+1 {
				c.Fatalf("after version %d was replaced, Get returns %v, %v", version, now, err)
			}
		}
	})
}

// Who changes other keys is in nobody's way.
func TestManyKeysAtOnce(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		records := make([]*apikey.Record, many)
		for n := range records {
			records[n] = c.create(byte(n))
		}
		for range 10 {
			c.expectAll("replace", atOnce(func(n int) error { return c.store.Replace(c.Context(), records[n]) }), records)
		}
		c.expectAll("delete or replace", atOnce(func(n int) error {
			if n%2 == 0 {
				return c.store.Delete(c.Context(), records[n].ID)
			}
			return c.store.Replace(c.Context(), records[n])
		}), records)
	})
}

func (c *crowd) expectAll(doing string, ended []error, records []*apikey.Record) {
	c.Helper()
	for n, err := range ended {
		if err != nil {
			c.Errorf("%s key %d, that nobody else changes: %v", doing, n, err)
		} else {
			c.changed = append(c.changed, records[n].ID)
			records[n].Version++
		}
	}
}

// Who reads meanwhile reads.
func TestReadsBesideWrites(t *testing.T) {
	inCrowd(t, func(c *crowd) {
		records := make([]*apikey.Record, many)
		for n := range records {
			records[n] = c.create(byte(n))
		}
		for range 10 {
			ended := atOnce(func(n int) error {
				switch n % 4 {
				case 0:
					_, err := c.store.Get(c.Context(), records[n+1].ID)
					return err
				case 1:
					return c.store.Replace(c.Context(), records[n])
				case 2:
					_, err := c.store.Changes(c.Context(), time.Minute)
					return err
				}
				_, _, err := c.store.List(c.Context(), apikey.Filter{Subject: "user_1"}, apikey.ID{}, 10)
				return err
			})
			for n, err := range ended {
				if err != nil {
					c.Errorf("call %d, of kind %d of reading one, writing, reading the log and listing: %v", n, n%4, err)
				} else if n%4 == 1 {
					c.changed = append(c.changed, records[n].ID)
					records[n].Version++
				}
			}
		}
	})
}
