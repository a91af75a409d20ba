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

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/benchmarks/openloop/live"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// The files of a fixture: a store, and the texts that its keys' owners have.
const (
	storeFile = "keys.db"
	allTexts  = "keys.txt"
	warmTexts = "warm.txt"
	coldTexts = "cold.txt"
)

// issue makes n keys in the store of dir and writes their texts beside it, in an order that
// is not that of the store, but is the same each time.
func issue(ctx context.Context, dir, texts string, n int, opts *apikey.IssuerOptions) (err error) {
	store, err := boltstore.Open(filepath.Join(dir, storeFile), nil)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	all, err := live.Issue(ctx, store, n, opts)
	if err != nil {
		return err
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
