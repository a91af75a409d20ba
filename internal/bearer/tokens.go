package bearer

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
)

// Bounds of a token, in bytes: what is shorter is guessed, what is longer is not looked at.
const (
	minToken = 20
	maxToken = 4 << 10
)

// Tokens are fixed tokens that requests are authorized by. What is kept of them is their SHA-256: digests have one
// length, and how far two of them agree tells nothing about the tokens.
type Tokens [][sha256.Size]byte

// NewTokens returns the set of these. false: one is not of 20 to 4096 characters, or no b64token.
func NewTokens(all []string) (Tokens, bool) {
	digests := make(Tokens, len(all))
	for i, token := range all {
		if !Valid(token) || len(token) < minToken || len(token) > maxToken {
			return nil, false
		}
		digests[i] = sha256.Sum256([]byte(token))
	}
	return digests, true
}

// Presented reports whether a request has one of them as "Authorization: Bearer".
func (t Tokens) Presented(r *http.Request) bool {
	var presented string
	if headers := r.Header["Authorization"]; len(headers) == 1 {
		presented, _ = Credentials(headers[0], "bearer")
	}
	if presented == "" || len(presented) > maxToken {
		return false
	}
	digest := sha256.Sum256([]byte(presented))
	found := 0
	for i := range t { // all of them, whichever it is
		found |= subtle.ConstantTimeCompare(digest[:], t[i][:])
	}
	return found == 1
}
