package httpauth

import (
	"context"

	"github.com/seed-d3a9fb6b/apikey"
)

// AnyOf returns a Verifier for credentials of several kinds, told apart by their shape: it asks
// each in turn as long as they answer [apikey.ErrMalformed]. The first other answer is the
// answer: what has the shape of one kind is never tried as another. So two [*apikey.Verifier] need
// different VerifierOptions.Prefixes: to one that takes any, the other's keys are unknown. It panics
// if one is nil, and if there is none.
func AnyOf(v ...Verifier) Verifier {
	if len(v) == 0 {
		panic("httpauth: no Verifier")
	}
	all := append(anyOf(nil), v...)
	for _, v := range all {
		if isNil(v) {
			panic("httpauth: no Verifier")
		}
	}
	return all
}

type anyOf []Verifier

func (all anyOf) Verify(ctx context.Context, credential string) (*apikey.Key, error) {
	for _, v := range all {
		if key, err := v.Verify(ctx, credential); !isMalformed(err) {
			return key, err
		}
	}
	return nil, apikey.ErrMalformed
}
