package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// openTime is how long the opening of a store may take: a lock that somebody holds would make it wait for ever, and say nothing.
const openTime = 15 * time.Second

// open opens a store on the schema, which it makes if it may.
func open(ctx context.Context, s settings, migrate bool) (*pgstore.Store, error) {
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	store, err := pgstore.Open(opening, s.DSN, &pgstore.Options{Schema: s.Schema, Migrate: migrate, NoListen: s.NoListen, Poll: s.Poll})
	if err != nil && errors.Is(opening.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("the database has not let it begin within %v; it may be that somebody holds a lock: %w", openTime, err)
	}
	return store, err
}
