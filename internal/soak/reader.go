package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// read verifies keys that are alive, were alive a moment ago, and never were, a bundle of them at a time.
func (s *scene) read(ctx context.Context, reader int) error {
	random := rand.New(rand.NewPCG(uint64(reader), 1))
	for ctx.Err() == nil {
		for range 100 {
			text := s.text(random)
			if err := s.present(ctx, text); err != nil && ctx.Err() == nil {
				return fmt.Errorf("a reader: %w", err)
			}
			forged := forge(text)
			begin := time.Now()
			_, err := s.verifier.Load().Verify(ctx, forged)
			s.samples.add(forgery, time.Since(begin))
			if !errors.Is(err, apikey.ErrUnknown) {
				return fmt.Errorf("a reader: verify answered %v to a forgery", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func (s *scene) text(random *rand.Rand) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.texts[random.IntN(len(s.texts))]
}

// present verifies a text that somebody may be about to revoke, twice: the second time it is warm, unless its key is
// changed meanwhile.
func (s *scene) present(ctx context.Context, text string) error {
	v := s.verifier.Load()
	for _, kind := range []kind{live, again} {
		begin := time.Now()
		_, err := v.Verify(ctx, text)
		s.samples.add(kind, time.Since(begin))
		if err != nil && !errors.Is(err, apikey.ErrRejected) {
			return fmt.Errorf("verify: %w", err)
		}
	}
	return nil
}

// forge changes a digit of the secret, and the checksum with it, so that it is the tag that says no.
func forge(text string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	forged := []byte(text)
	secret := len(forged) - 30
	if forged[secret] == '0' {
		forged[secret] = '1'
	} else {
		forged[secret] = '0'
	}
	body, sum := forged[:len(forged)-6], forged[len(forged)-6:]
	rest := crc32.ChecksumIEEE(body)
	for i := len(sum) - 1; i >= 0; i-- {
		sum[i] = digits[rest%62]
		rest /= 62
	}
	return string(forged)
}

// restart has a second Verifier begin, take what there is, and end, again and again.
func (s *scene) restart(ctx context.Context) error {
	random := rand.New(rand.NewPCG(0, 2))
	for ctx.Err() == nil {
		v, err := s.newVerifier()
		if err != nil {
			return err
		}
		for range 200 {
			begin := time.Now()
			_, err := v.Verify(ctx, s.text(random))
			s.samples.add(cold, time.Since(begin))
			if err != nil && !errors.Is(err, apikey.ErrRejected) && ctx.Err() == nil {
				return errors.Join(fmt.Errorf("verify after a restart: %w", err), v.Close())
			}
		}
		if err := v.Close(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
