package sts

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
)

// kind is a kind of signed document: what is signed with the same keys for another purpose is not it.
type kind struct {
	algorithm Algorithm
	typ       string
	max       int // bytes
}

// shaped reports whether text has the form of a compact JWS (RFC 7515, section 7.1): three parts of base64url.
// A JWE has five.
func (k *kind) shaped(text string) bool {
	if len(text) > k.max || strings.IndexByte(text, '.') < 1 { // which is all that a key costs
		return false
	}
	dots := 0
	for i := range len(text) {
		switch c := text[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && dots < 2 && i > 0 && text[i-1] != '.':
			dots++
		default:
			return false
		}
	}
	return dots == 2 && text[len(text)-1] != '.'
}

// open returns what is signed in text, if it is of this kind and signed with one of our keys. find returns
// the public key of a kid, nil if there is none. Else it is [apikey.ErrMalformed] by the shape alone,
// [apikey.ErrUnknown], or what find answers.
//
// Of the header it goes by alg, typ and kid, and by no other member: not by jwk, jku, x5u or x5c, which let
// a token say who may have signed it, nor by zip. One that must be understood (crit) is refused, and so is b64 (RFC 7797),
// by which go-jose goes though nothing says that it must be understood.
func (k *kind) open(ctx context.Context, text string, find func(ctx context.Context, kid string) (any, error)) (object, error) {
	if !k.shaped(text) {
		return nil, apikey.ErrMalformed
	}
	// A second spelling of the last digit of a part is refused, too.
	first, rest, _ := strings.Cut(text, ".")
	second, third, _ := strings.Cut(rest, ".")
	header, err := base64.RawURLEncoding.Strict().DecodeString(first)
	if err != nil {
		return nil, apikey.ErrMalformed
	}
	for _, part := range []string{second, third} {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, apikey.ErrMalformed
		}
	}
	h, ok := parseObject(header)
	if !ok {
		return nil, apikey.ErrUnknown
	}
	alg, _ := h.text("alg")
	typ, _ := h.text("typ")
	kid, _ := h.text("kid")
	if alg != string(k.algorithm) || typ != k.typ || kid == "" || h.has("crit") || h.has("enc") || h.has("b64") {
		return nil, apikey.ErrUnknown
	}
	key, err := find(ctx, kid)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, apikey.ErrUnknown
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(k.algorithm)})
	if err != nil {
		return nil, apikey.ErrUnknown
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, apikey.ErrUnknown
	}
	claims, ok := parseObject(payload)
	if !ok {
		return nil, apikey.ErrUnknown
	}
	return claims, nil
}
