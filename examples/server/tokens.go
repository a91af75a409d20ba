package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// tokens are what keys are exchanged for.
type tokens struct {
	verifier *sts.Verifier // of those for the first audience
	handler  http.Handler
	below    string // the path of the issuer
}

func newTokens(ctx context.Context, c *config, store apikey.Store, issuer *apikey.Issuer, verifier *apikey.Verifier, logger *slog.Logger) (*tokens, error) {
	var audiences []string // nil: the issuer
	if c.audiences != "" {
		audiences = strings.Split(c.audiences, ",")
	}
	service, err := sts.NewService(store, verifier, c.issuer, &sts.ServiceOptions{Keyring: c.keyring, Audiences: audiences, Logger: logger})
	if err != nil {
		return nil, fmt.Errorf("-issuer, -audiences: %w", err)
	}
	if c.discard {
		if err := service.DiscardKeys(ctx); err != nil {
			return nil, err
		}
	}
	// Without them there are no tokens, which is no reason to refuse keys.
	if err := service.Ready(ctx); err != nil {
		logger.ErrorContext(ctx, "no tokens can be signed; if the keyring is lost, start once with -discard-signing-keys", "err", err)
	}
	t := new(tokens)
	if t.verifier, err = service.Verifier(""); err != nil {
		return nil, err
	}
	if t.handler, err = sts.Handler(service, &sts.Options{Tokens: []string{c.token}, Issuer: issuer, Logger: logger}); err != nil {
		return nil, fmt.Errorf("APIKEY_ADMIN_TOKEN: %w", err)
	}
	u, err := url.Parse(c.issuer)
	if err != nil {
		return nil, err
	}
	t.below = u.EscapedPath()
	return t, nil
}

// serves reports whether a path belongs to the handler. All are below the issuer but for that of the metadata, which has the
// issuer's path at its end.
func (t *tokens) serves(path string) bool {
	return strings.HasPrefix(path, t.below+"/oauth/") || strings.HasPrefix(path, t.below+"/.well-known/") ||
		path == "/.well-known/oauth-authorization-server"+t.below
}
