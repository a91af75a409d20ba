package httpapi

import (
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

// tokens returns an Authorize that takes these.
func tokens(all []string) (func(*http.Request) (Caller, error), error) {
	set, ok := bearer.NewTokens(all)
	if !ok {
		return nil, &apikey.ValidationError{Field: "Tokens", Reason: "one is not of 20 to 4096 characters, or no b64token (RFC 6750)"}
	}
	return func(r *http.Request) (Caller, error) {
		if !set.Presented(r) {
			return Caller{}, keyInvalid
		}
		return Caller{All: true}, nil
	}, nil
}
