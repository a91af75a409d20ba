package grpcauth

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-d3a9fb6b/apikey"
)

// The answers. They hold nothing of what was sent, and nothing of the error behind them: that
// names the key, the reason or the store.
var (
	errNone        = status.Error(codes.Unauthenticated, "no API key")
	errSeveral     = status.Error(codes.Unauthenticated, "several credentials")
	errInvalid     = status.Error(codes.Unauthenticated, "invalid API key")
	errScope       = status.Error(codes.PermissionDenied, "the API key lacks a scope")
	errUnavailable = status.Error(codes.Unavailable, "the API key can't be checked at the moment")
)

// refusal returns the answer to an error of a Verifier, also to none where there is no key. A failure
// that wraps a rejection is a failure: it was not told whether the key is good. A deadline of the
// store's own is a failure like others: only the end of the call itself is answered as one.
func refusal(ctx context.Context, err error) error {
	failed := errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrOverloaded)
	switch {
	case errors.Is(err, apikey.ErrRejected) && !failed:
		return errInvalid
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	}
	return errUnavailable
}
