package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// withKeyring presents all keys to a Verifier that has the keyring and has seen none of them.
func withKeyring(ctx context.Context, j job, store *boltstore.Store, o *outcome) error {
	texts, err := readTexts(j.Dir, allTexts)
	if err != nil {
		return err
	}
	ring, err := apikey.ParseKeyring(j.Keyring)
	if err != nil {
		return fmt.Errorf("read the keyring: %w", err)
	}
	v, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Keyring: ring})
	if err != nil {
		return fmt.Errorf("make a verifier: %w", err)
	}
	took, calls, err := present(len(texts), j.Goroutines, func(i int) error {
		_, err := v.Verify(ctx, texts[i])
		return err
	})
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	stats := v.Stats()
	o.Took, o.Calls, o.Argon2, o.Reads = took, calls.Summary(), stats.Argon2Runs, stats.StoreReads
	return nil
}

// reads reads the same records in the same order from as many goroutines: what no Verifier can
// do without.
func reads(ctx context.Context, j job, store *boltstore.Store, o *outcome) error {
	texts, err := readTexts(j.Dir, j.Texts)
	if err != nil {
		return err
	}
	ids := make([]apikey.ID, len(texts))
	for i, text := range texts {
		if ids[i], err = idOf(text); err != nil {
			return err
		}
	}
	took, calls, err := present(len(ids), j.Goroutines, func(i int) error {
		_, err := store.Get(ctx, ids[i])
		return err
	})
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	o.Took, o.Calls, o.Reads = took, calls.Summary(), uint64(len(ids))
	return nil
}

// idOf is the id by which a store knows the key of a text.
func idOf(text string) (id apikey.ID, err error) {
	s, err := apikey.KeyID(text)
	if err != nil {
		return id, fmt.Errorf("find the id in a text: %w", err)
	}
	if _, err := hex.Decode(id[:], []byte(s[len(s)-2*len(id):])); err != nil {
		return id, fmt.Errorf("read the id %s: %w", s, err)
	}
	return id, nil
}
