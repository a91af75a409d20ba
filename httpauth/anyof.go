package httpauth

import (
	"context"
	"errors"

	"github.com/seed-d3a9fb6b/apikey"
)

// AnyOf returns a Verifier for credentials of several kinds, told apart by their shape: it asks
// each in turn as long as they answer [apikey.ErrMalformed]. The first other answer is the
// answer: what has the shape of one kind is never tried as another. It panics if one is nil.
func AnyOf(v ...Verifier) Verifier {
	all := append(anyOf(nil), v...)
	for _, v := range all {
		if v == nil {
			panic("httpauth: no Verifier")
		}
	}
	return all
}

type anyOf []Verifier

func (all anyOf) Verify(ctx context.Context, credential string) (*apikey.Key, error) {
	for _, v := range all {
		if key, err := v.Verify(ctx, credential); !errors.Is(err, apikey.ErrMalformed) {
			return key, err
		}
	}
	return nil, apikey.ErrMalformed
}
