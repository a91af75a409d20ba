package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// keyStore is what all stores of the module are. Package sts finds out by itself that they remember what was changed.
type keyStore interface {
	apikey.Store
	Close() error
}

// openTime is how long the opening of a database may take: a lock that somebody holds would make the start wait for ever, and say
// nothing.
const openTime = 15 * time.Second

// openStore opens what the keys are in. Its errors repeat no DSN, which may hold a password.
func openStore(ctx context.Context, c *config, logger *slog.Logger) (keyStore, error) {
	if c.dsn == "" {
		return boltstore.Open(c.db, nil)
	}
	// Package pgstore takes keywords and values, too. This program does not: a file that is named by mistake would be taken for them.
	if !strings.HasPrefix(c.dsn, "postgres://") && !strings.HasPrefix(c.dsn, "postgresql://") {
		return nil, errors.New("-store, or APIKEY_STORE, does not begin with postgres:// or postgresql://")
	}
	opening, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	store, err := pgstore.Open(opening, c.dsn, &pgstore.Options{Schema: c.schema, Migrate: true, Logger: logger})
	if err != nil && errors.Is(opening.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("the database has not let it begin within %v; it may be that somebody holds a lock: %w", openTime, err)
	}
	return store, err
}
