package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// result is what a run has measured.
type result struct {
	Loaded        time.Duration // what it took to make the keys
	Before, After sizes
	Live          int // at the end
	Workers       []outcome
}

// run makes a schema, fills it, lets the processes work, and drops it.
func run(ctx context.Context, o options) (r *result, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, errors.New("the DSN is none that pgx understands") // it may hold a password
	}
	config.MaxConns = int32(o.Loaders)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	schema := "apikey_pgload_" + strings.ToLower(rand.Text()[:10])
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, dropping := pool.Exec(ctx, `DROP SCHEMA IF EXISTS `+schema+` CASCADE`)
		err = errors.Join(err, dropping)
	}()
	store, err := pgstore.New(ctx, pool, &pgstore.Options{Schema: schema, Migrate: true})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	secret := make([]byte, 32)
	rand.Read(secret)
	j := job{Schema: schema, Keyring: base64.StdEncoding.EncodeToString(secret), Options: o}
	issuer, _, err := j.issuer(store, o.Loaders)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if j.Texts, err = fill(ctx, issuer, o); err != nil {
		return nil, err
	}
	r = &result{Loaded: time.Since(begun)}
	if _, err := pool.Exec(ctx, `VACUUM (ANALYZE) `+schema+`.apikey_keys`); err != nil {
		return nil, err
	}
	if r.Before, err = measure(ctx, pool, schema); err != nil {
		return nil, err
	}
	if r.Workers, err = j.start(ctx); err != nil {
		return nil, err
	}
	if r.After, err = measure(ctx, pool, schema); err != nil {
		return nil, err
	}
	r.Live, err = issuer.Count(ctx, apikey.Query{})
	return r, err
}

// issuer is one whose hashes cost next to nothing.
func (j *job) issuer(s apikey.Store, permits int) (*apikey.Issuer, *apikey.Keyring, error) {
	ring, err := apikey.ParseKeyring(j.Keyring)
	if err != nil {
		return nil, nil, err
	}
	gate, err := hash.NewGate(permits, 0, 0)
	if err != nil {
		return nil, nil, err
	}
	i, err := apikey.NewIssuer(s, &apikey.IssuerOptions{Keyring: ring, Gate: gate, Argon2: apikeytest.Params()})
	return i, ring, err
}

// fill makes the keys that there are at the beginning, and returns their texts.
func fill(ctx context.Context, i *apikey.Issuer, o options) ([]string, error) {
	texts := make([]string, o.Keys)
	failed := make([]error, o.Loaders)
	var group sync.WaitGroup
	for w := range o.Loaders {
		group.Go(func() {
			for n := w; n < o.Keys && failed[w] == nil; n += o.Loaders {
				var secret apikey.Secret
				if _, secret, failed[w] = i.Create(ctx, o.params(n)); failed[w] == nil {
					texts[n] = secret.Reveal()
				}
			}
		})
	}
	group.Wait()
	return texts, errors.Join(failed...)
}

func (o *options) params(n int) apikey.CreateParams {
	owner := fmt.Sprintf("user_2xhFjEI5X2qWRvtV13BzS%06d", n%o.Subjects)
	return apikey.CreateParams{Subject: owner, CreatedBy: owner, Name: fmt.Sprintf("MY_SERVICE_%09d", n), Description: "This is my API Key",
		Claims: []byte(`{"foo":"bar"}`), Scopes: []string{"read", "write"}, ExpiresIn: o.Lifetime}
}
