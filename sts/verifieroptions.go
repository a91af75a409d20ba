package sts

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// VerifierOptions are the choices of [NewVerifier]. The zero value, and nil, are good ones.
type VerifierOptions struct {
	// Algorithm is the one that the service signs with; "": EdDSA.
	Algorithm Algorithm
	// Refresh is within what time the death of a key is known here, from 1 second to 10 minutes; 0: 5 seconds. The list is
	// fetched twice in that time. One that is older than Refresh less a tenth is trusted no more until another
	// try has failed: calls wait for that, up to 4 seconds with the default where the service hangs, and hardly
	// again while it does. Then the last list is used until it expires.
	Refresh time.Duration
	// Leeway is by how much the clock here may differ from the service's, up to 1 minute; 0: not at all, but that iat,
	// which is in whole seconds, may be less than one ahead.
	Leeway time.Duration
	// JWKSURL is where the signing keys are; "": <issuer>/.well-known/jwks.json.
	JWKSURL string
	// RevocationsURL is where the list of the dead is; "": <issuer>/oauth/revocations.
	RevocationsURL string
	// Client fetches both, by its Transport alone: redirects are not followed. nil: one of one's own.
	Client *http.Client
	// InsecureHTTP lets the URLs be http and not of this machine. Whoever can change what is fetched can
	// then sign tokens: for networks that are protected in another way.
	InsecureHTTP bool
	// Logger is told of what could not be fetched; nil: [slog.Default].
	Logger *slog.Logger
}

const (
	defaultRefresh = 5 * time.Second
	minRefresh     = time.Second
	maxRefresh     = 10 * time.Minute
	maxLeeway      = slack
)

func (o *VerifierOptions) complete(issuer string) error {
	if o.Algorithm == "" {
		o.Algorithm = EdDSA
	}
	if err := o.Algorithm.check(); err != nil {
		return err
	}
	if o.Refresh == 0 {
		o.Refresh = defaultRefresh
	}
	if o.Refresh < minRefresh || o.Refresh > maxRefresh {
		return invalid("Refresh", "not from %v to %v", minRefresh, maxRefresh)
	}
	if o.Leeway < 0 || o.Leeway > maxLeeway {
		return invalid("Leeway", "not from 0 to %v", maxLeeway)
	}
	for _, u := range []struct {
		field, path string
		value       *string
	}{{"JWKSURL", jwksPath, &o.JWKSURL}, {"RevocationsURL", revocationsPath, &o.RevocationsURL}} {
		if *u.value == "" {
			*u.value = issuer + u.path
		}
		if err := o.checkURL(u.field, *u.value); err != nil {
			return err
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

func (o *VerifierOptions) checkURL(field, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || !isHost(u) || u.User != nil || u.Fragment != "":
		return invalid(field, "not an absolute http or https URL")
	case u.Scheme == "http" && !o.InsecureHTTP && !isLoopback(u.Hostname()):
		return invalid(field, "http, and not of this machine: use https, or set InsecureHTTP")
	}
	return nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
