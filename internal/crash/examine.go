package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// examine looks at what a crash has left, first with bbolt alone and then as a service that starts again. Where
// there is no file it returns nil, unless there must be one.
func (l *ledger) examine(ctx context.Context, path string) (c *contents, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if l.opened {
			return nil, fmt.Errorf("%w: the file", errLost)
		}
		s, err := boltstore.Open(path, nil) // whatever is left beside it
		if err != nil {
			return nil, err
		}
		return nil, errors.Join(s.Close(), os.Remove(path))
	}
	if c, err = readContents(path); err != nil {
		return nil, err
	}
	if err := l.compare(c); err != nil {
		return nil, err
	}
	s, err := boltstore.Open(path, &boltstore.Options{Timeout: 30 * time.Second})
	if err != nil {
		return nil, err
	}
	return c, errors.Join(l.serve(ctx, s, c), s.Close())
}

// serve asks the store, and a Verifier on it, for what the file holds.
func (l *ledger) serve(ctx context.Context, s *boltstore.Store, c *contents) error {
	n, err := s.Count(ctx, apikey.Filter{})
	if err != nil || n != len(c.records) {
		return fmt.Errorf("%w: the store counts %d keys and not %d, %w", errLost, n, len(c.records), err)
	}
	changes, err := s.Changes(ctx, time.Hour)
	if err != nil {
		return err
	}
	logged := make(map[string]bool)
	for _, change := range changes {
		logged[keyID(change.ID[:])] = true
	}
	for id := range c.logged {
		if !logged[id] {
			return fmt.Errorf("%w: a change of %s", errLost, id)
		}
	}
	v, err := apikey.NewVerifier(s, &apikey.VerifierOptions{CacheBytes: 1 << 16}) // which is made anew each time
	if err != nil {
		return err
	}
	for id, k := range l.keys {
		if err := k.verify(ctx, v, id, c.state(id)); err != nil {
			return errors.Join(err, v.Close())
		}
	}
	return v.Close()
}

// verify presents every secret that the key ever had.
func (k *key) verify(ctx context.Context, v *apikey.Verifier, id string, is state) error {
	for i, text := range k.texts {
		if text == "" {
			continue
		}
		want := apikey.ErrUnknown
		switch {
		case is.gone:
		case is.revoked:
			want = apikey.ErrRevoked
		case is.number == i+1:
			want = nil
		}
		if _, err := v.Verify(ctx, text); !errors.Is(err, want) {
			return fmt.Errorf("%w: secret %d of key %s, which is %+v: Verify answers %v, want %v", errLost, i+1, id, is, err, want)
		}
	}
	return nil
}
