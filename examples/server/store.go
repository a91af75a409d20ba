package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// keyStore is what all stores of the module are. Package sts finds out by itself that they remember what was changed.
type keyStore interface {
	apikey.Store
	Close() error
}

// openStore opens what the keys are in. Its errors repeat no DSN, which may hold a password.
func openStore(ctx context.Context, c *config, logger *slog.Logger) (keyStore, error) {
	if c.dsn == "" {
		return boltstore.Open(c.db, nil)
	}
	// Package pgstore takes keywords and values, too. This program does not: a file that is named by mistake would be taken for them.
	if !strings.HasPrefix(c.dsn, "postgres://") && !strings.HasPrefix(c.dsn, "postgresql://") {
		return nil, errors.New("-store, or APIKEY_STORE, does not begin with postgres:// or postgresql://")
	}
	return pgstore.Open(ctx, c.dsn, &pgstore.Options{Schema: c.schema, Migrate: true, Logger: logger})
}
