// Package live makes the keys that programs present.
package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// creators come at the same time, so that they share commits. More than the queue of a
// gate holds would be refused.
const creators = 512

// Issue makes n keys in the store and returns their texts.
func Issue(ctx context.Context, store apikey.Store, n int, opts *apikey.IssuerOptions) ([]string, error) {
	issuer, err := apikey.NewIssuer(store, opts)
	if err != nil {
		return nil, fmt.Errorf("make an issuer: %w", err)
	}
	texts, errs := make([]string, n), make([]error, creators)
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range errs {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[worker] == nil; i = int(next.Add(1)) - 1 {
				var secret apikey.Secret
				_, secret, errs[worker] = issuer.Create(ctx, apikey.CreateParams{
					Subject: fmt.Sprintf("user_%d", i/10), Name: fmt.Sprintf("key %d", i), ExpiresIn: 24 * time.Hour})
				texts[i] = secret.Reveal()
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	return texts, nil
}
