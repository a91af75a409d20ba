package grpcauth

import (
	"strings"

	"google.golang.org/grpc/metadata"
)

// Where a credential may be. Names of metadata are in lower case.
const (
	authorization = "authorization"
	named         = "x-api-key"

	gateway = "grpcgateway-" // grpc-gateway passes headers on under their names, and under these, too
)

// find returns the one credential of a call. Two of them are refused even if they are equal:
// whoever else reads the metadata, a proxy or another interceptor, may choose another.
func find(sent metadata.MD) (string, error) {
	bearers, keys := sent[authorization], sent[named]
	switch {
	case len(bearers)+len(keys) > 1:
		return "", errSeveral
	case len(keys) == 1:
		return keys[0], nil
	case len(bearers) == 1:
		if credential, is := bearer(bearers[0]); is {
			return credential, nil
		}
	}
	return "", errNone
}

// bearer returns what follows "Bearer" and one space. The case of the scheme's letters does not
// matter; they are compared as ASCII, since Unicode folds others to them.
func bearer(value string) (string, bool) {
	scheme, credential, found := strings.Cut(value, " ")
	if !found || len(scheme) != len("bearer") {
		return "", false
	}
	for i := range len(scheme) {
		if scheme[i] != "bearer"[i] && scheme[i] != "BEARER"[i] {
			return "", false
		}
	}
	return credential, true
}
