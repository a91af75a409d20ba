package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// The files of a fixture: a store, and the texts that its keys' owners have.
const (
	storeFile = "keys.db"
	allTexts  = "keys.txt"
	warmTexts = "warm.txt"
	coldTexts = "cold.txt"
)

// creators come at the same time, so that they share commits. More than the queue of a
// gate holds would be refused.
const creators = 512

// issue makes n keys in the store of dir and writes their texts beside it, in an order that
// is not that of the store, but is the same each time.
func issue(ctx context.Context, dir, texts string, n int, opts *apikey.IssuerOptions) (err error) {
	store, err := boltstore.Open(filepath.Join(dir, storeFile), nil)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	issuer, err := apikey.NewIssuer(store, opts)
	if err != nil {
		return fmt.Errorf("make an issuer: %w", err)
	}
	all := make([]string, n)
	errs := make([]error, creators)
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[worker] == nil; i = int(next.Add(1)) - 1 {
				var secret apikey.Secret
				_, secret, errs[worker] = issuer.Create(ctx, apikey.CreateParams{
					Subject: fmt.Sprintf("user_%d", i/10), Name: fmt.Sprintf("key %d", i), ExpiresIn: 24 * time.Hour})
				all[i] = secret.Reveal()
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	if err := os.WriteFile(filepath.Join(dir, texts), []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the texts: %w", err)
	}
	return nil
}

// readTexts reads what issue wrote.
func readTexts(dir, name string) ([]string, error) {
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("read the texts: %w", err)
	}
	defer file.Close()
	var all []string
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	return all, lines.Err()
}
