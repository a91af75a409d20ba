package httpauth

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

// maxCredential is the longest credential that is handed to a Verifier, in bytes: room for a JWT.
// What a Verifier itself takes is shorter.
const maxCredential = 4 << 10

// Source says where a credential was found.
type Source string

// The sources.
const (
	none         Source = ""          // nothing was presented
	Bearer       Source = "bearer"    // Authorization: Bearer
	APIKeyHeader Source = "x-api-key" // X-API-Key
	Basic        Source = "basic"     // Authorization: Basic
)

// header returns the field that a credential of this source is in, in canonical form.
func (s Source) header() string {
	if s == APIKeyHeader {
		return "X-Api-Key"
	}
	return "Authorization"
}

// find returns the one credential of a request. Two of them are refused even if they are
// equal: whoever else reads the request, a proxy or a handler, may choose another.
func (g *guard) find(h http.Header) (credential string, source Source, err error) {
	authorization, named := h["Authorization"], h["X-Api-Key"]
	if len(authorization) > 1 || len(named) > 1 {
		return "", none, ErrSeveralCredentials
	}
	if len(authorization) == 1 {
		value, is := strings.TrimLeft(authorization[0], " \t"), false // which HTTP/2 leaves there, and a proxy may take away
		if credential, is = bearer.Credentials(value, "bearer"); is {
			source = Bearer
		} else if g.options.Basic {
			if credential, is = bearer.Credentials(value, "basic"); is {
				source = Basic
			}
		}
	}
	if len(named) == 1 {
		if source != none {
			return "", none, ErrSeveralCredentials
		}
		credential, source = named[0], APIKeyHeader
	}
	switch {
	case source == none: // also where the scheme is another: RFC 6750, section 3.1
		return "", none, ErrNoCredential
	case source != Basic && !g.takes(credential):
		return "", source, apikey.ErrMalformed
	}
	return credential, source, nil
}

// takes bounds what a Verifier is handed. That of apikey refuses every byte that is no digit,
// so for it the look at the bytes, a fifth of the time that this package takes, is left out.
func (g *guard) takes(credential string) bool {
	return len(credential) <= maxCredential && (!g.lenient || bearer.Valid(credential))
}

// verifyBasic takes the password or, where that is empty or has not the form of a key, the user
// name: clients that insist on both put anything into the other. Two keys are two credentials.
func (g *guard) verifyBasic(ctx context.Context, encoded string) (*apikey.Key, error) {
	if len(encoded) > base64.StdEncoding.EncodedLen(2*maxCredential) {
		return nil, apikey.ErrMalformed
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(encoded)
	user, password, found := strings.Cut(string(decoded), ":")
	if err != nil || !found || strings.ContainsAny(encoded, "\r\n") { // which the decoder skips
		return nil, apikey.ErrMalformed
	}
	if isKey(user) && isKey(password) {
		return nil, ErrSeveralCredentials
	}
	err = apikey.ErrMalformed
	for _, credential := range []string{password, user} {
		if !g.takes(credential) {
			continue
		}
		key, err := g.verify(ctx, credential)
		if !isMalformed(err) {
			return key, err
		}
	}
	return nil, err
}

func isKey(text string) bool {
	_, err := apikey.KeyID(text)
	return err == nil
}
