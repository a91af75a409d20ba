package sts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	clientCredentials = "client_credentials"
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType   = "urn:ietf:params:oauth:token-type:access_token"
	jwtType           = "urn:ietf:params:oauth:token-type:jwt"
)

// tokenReply is RFC 6749, section 5.1, with what RFC 8693, section 2.2.1, adds.
type tokenReply struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"` // seconds
	Scope       string `json:"scope,omitempty"`
	IssuedType  string `json:"issued_token_type,omitempty"`
}

// token exchanges a key for a token. The key is the client's secret, and its id the client's name; or it is the
// subject_token of whoever has it.
func (h *handler) token(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	grant := f.get("grant_type")
	switch grant {
	case clientCredentials, tokenExchange:
	case "":
		return badRequest("grant_type is missing.")
	default:
		return &oauthError{Code: "unsupported_grant_type", Description: "grant_type is neither client_credentials nor token exchange."}
	}
	c, err := h.client(r, f)
	if err != nil {
		return err
	}
	text, rejected := c.secret, h.invalidClient()
	if grant == tokenExchange {
		if text, err = subjectToken(f, c); err != nil {
			return err
		}
		rejected = badRequest("subject_token is not a valid key.") // RFC 8693, section 2.2.2
	} else if c.id == "" || c.secret == "" {
		return rejected
	}
	p, err := params(f)
	if err != nil {
		return err
	}

	now := h.service.clock.now()
	key, err := h.service.verifier.Verify(r.Context(), text)
	if err != nil {
		return refusal(err, rejected)
	}
	if c.id != "" && c.id != key.ID() {
		return rejected
	}
	token, err := h.service.derive(r.Context(), key, now, p)
	if err != nil {
		return refusal(err, rejected)
	}
	answer := tokenReply{AccessToken: token.Reveal(), TokenType: "Bearer", Scope: strings.Join(token.Scopes, " "),
		ExpiresIn: int64(token.ExpiresAt.Sub(now) / time.Second)}
	if grant == tokenExchange {
		answer.IssuedType = accessTokenType
		if f.get("requested_token_type") == jwtType {
			answer.IssuedType = jwtType
		}
	}
	return reply(w, answer)
}

// subjectToken returns the key of a token exchange. It is the credential: a second one, of the client, or of
// somebody who acts, is refused rather than passed over.
func subjectToken(f form, c client) (string, error) {
	switch {
	case f.get("subject_token") == "":
		return "", badRequest("subject_token is missing.")
	case f.get("subject_token_type") != accessTokenType:
		return "", badRequest("subject_token_type is not that of an access token.")
	case f.get("actor_token") != "" || f.get("actor_token_type") != "":
		return "", badRequest("Tokens for an actor are not made here.")
	case c.tried:
		return "", badRequest("subject_token is the credential. There must be no other.")
	}
	switch f.get("requested_token_type") {
	case "", accessTokenType, jwtType:
		return f.get("subject_token"), nil
	}
	return "", badRequest("requested_token_type is neither that of an access token nor of a JWT.")
}

// params are what the token is to be.
func params(f form) (p ExchangeParams, err error) {
	targets := slices.Compact(slices.Sorted(slices.Values(slices.Concat(f["resource"], f["audience"]))))
	for _, resource := range f["resource"] { // RFC 8707, section 2
		if u, err := url.Parse(resource); err != nil || !u.IsAbs() || strings.Contains(resource, "#") {
			return p, refusal(ErrAudience, nil)
		}
	}
	if len(targets) > 1 {
		return p, &oauthError{Code: "invalid_target", Description: "A token is for one resource or audience."}
	}
	if len(targets) == 1 {
		p.Audience = targets[0]
	}
	if scope := f.get("scope"); scope != "" {
		p.Scopes = strings.Split(scope, " ")
		if slices.Contains(p.Scopes, "") {
			return p, &oauthError{Code: "invalid_scope", Description: "scope is not a list of scopes with one space between them."}
		}
	}
	return p, nil
}
