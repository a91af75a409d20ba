package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// run measures, and cleans up whatever happens.
func run(ctx context.Context, c *config, stdout io.Writer) (err error) {
	s := settings{DSN: c.dsn, Schema: "apikey_cluster_" + strings.ToLower(rand.Text()[:10]),
		NoListen: !c.listen, Poll: c.poll, Staleness: c.staleness, Every: c.every}
	store, err := open(ctx, s, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(), dropSchema(ctx, s.DSN, s.Schema)) }()
	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: hash.Params{Memory: 8, Time: 1, Threads: 1}})
	if err != nil {
		return err
	}

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	v, err := startVerifiers(ctx, fail, c.verifiers, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close()) }() // before the schema is dropped
	if _, err := fmt.Fprintf(stdout, "%d verifiers, schema %s, listen %t, poll %v, bound %v\n", c.verifiers, s.Schema, c.listen, c.poll, c.staleness); err != nil {
		return err
	}
	began := time.Now()
	work := &revoking{issuer: issuer, verifiers: v, pause: c.pause, staleness: c.staleness, wait: c.wait}
	all, err := work.run(ctx, c.revocations)
	if err != nil {
		return err
	}
	return newResults(all, v.totals(), c.staleness, time.Since(began)).print(stdout)
}

// dropSchema works when ctx has ended, too.
func dropSchema(ctx context.Context, dsn, schema string) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err == nil {
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
	}
	if err != nil {
		return fmt.Errorf("drop schema %s: %w", schema, err)
	}
	return nil
}
