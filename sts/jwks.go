package sts

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxJWKS        = 1 << 20 // bytes
	defaultKeysAge = 5 * time.Minute
	maxKeysAge     = time.Hour
)

var errNoKeys = errors.New("none are published that this program can use")

// parseJWKS returns the public keys for an algorithm (RFC 7517). Others in the set are passed over; two of one
// kid are not.
func parseJWKS(data []byte, algorithm Algorithm) (map[string]any, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(data, &set) != nil {
		return nil, errors.New("the signing keys are not a JWK Set")
	}
	keys := map[string]any{}
	for _, one := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(one, &key) != nil || !key.IsPublic() || !key.Valid() || key.KeyID == "" {
			continue
		}
		if key.Use != "" && key.Use != "sig" || key.Algorithm != "" && key.Algorithm != string(algorithm) || !algorithm.takes(key.Key) {
			continue
		}
		if keys[key.KeyID] != nil {
			return nil, errors.New("two signing keys have one kid")
		}
		keys[key.KeyID] = key.Key
	}
	if len(keys) == 0 {
		return nil, errNoKeys
	}
	return keys, nil
}

func (a Algorithm) takes(key any) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return a == EdDSA
	case *ecdsa.PublicKey:
		return a == ES256 && key.Curve == elliptic.P256()
	}
	return false
}

// maxAge returns how long an answer may be kept (RFC 9111, section 5.2.2.1), within bounds.
func maxAge(h http.Header) time.Duration {
	for directive := range strings.SplitSeq(h.Get("Cache-Control"), ",") {
		if text, is := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); is {
			if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
				return min(time.Duration(seconds)*time.Second, maxKeysAge)
			}
		}
	}
	return defaultKeysAge
}
