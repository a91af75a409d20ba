package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

// Bounds of a token, in bytes: what is shorter is guessed, what is longer is not looked at.
const (
	minToken = 20
	maxToken = 4 << 10
)

// tokens returns an Authorize that takes these. They are compared by their SHA-256: digests have one length, and
// how far two of them agree tells nothing about the tokens.
func tokens(all []string) (func(*http.Request) (Caller, error), error) {
	digests := make([][sha256.Size]byte, len(all))
	for i, token := range all {
		if !bearer.Valid(token) || len(token) < minToken || len(token) > maxToken {
			return nil, &apikey.ValidationError{Field: "Tokens", Reason: "one is not of 20 to 4096 characters, or no b64token (RFC 6750)"}
		}
		digests[i] = sha256.Sum256([]byte(token))
	}
	return func(r *http.Request) (Caller, error) {
		var presented string
		if headers := r.Header["Authorization"]; len(headers) == 1 {
			presented, _ = bearer.Credentials(headers[0], "bearer")
		}
		if presented == "" || len(presented) > maxToken {
			return Caller{}, keyInvalid
		}
		digest := sha256.Sum256([]byte(presented))
		found := 0
		for i := range digests { // all of them, whichever it is
			found |= subtle.ConstantTimeCompare(digest[:], digests[i][:])
		}
		if found == 0 {
			return Caller{}, keyInvalid
		}
		return Caller{All: true}, nil
	}, nil
}
