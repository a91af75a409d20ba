package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-d3a9fb6b/apikey"
)

// answered judges what Verify said of the text at number, which any goroutine of any process may have changed. knownDead is what
// this process knew before the call. A refusal is right if the record says the same, or it would not be noticed if all were refused.
// The record is read once for each text: what ends one is final.
func (w *worker) answered(ctx context.Context, number int, knownDead bool, answer error, o *outcome) error {
	switch {
	case answer == nil && knownDead:
		return errors.New("accepted, after this process had refused it rightly")
	case !errors.Is(answer, apikey.ErrRejected):
		return answer
	}
	if !w.dead[number].Load() {
		key, err := w.issuer.Get(ctx, id(w.Texts[number]))
		if err != nil { // not found, too: nobody deletes
			return fmt.Errorf("see why a key is refused: %w", err)
		}
		if !rightly(key, answer) {
			return fmt.Errorf("refused, which its record does not: %w", answer)
		}
		w.dead[number].Store(true)
	}
	o.Refused++
	return nil
}

// rightly reports whether a record agrees with the refusal of a key's first secret.
func rightly(key *apikey.Key, refusal error) bool {
	switch {
	case errors.Is(refusal, apikey.ErrRevoked):
		return key.Revoked()
	case errors.Is(refusal, apikey.ErrExpired):
		return key.Expired()
	case errors.Is(refusal, apikey.ErrUnknown): // rotated, without grace
		return !slices.ContainsFunc(key.Credentials(), func(c apikey.Credential) bool { return c.Number == 1 })
	}
	return false
}
