package sts

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// introspect tells of a key or a token what it is good for (RFC 7662). The caller is asked first who it is: nobody
// else learns even whether something has the form of a key. Of what is no good, of whatever kind, nothing is
// said but that.
func (h *handler) introspect(w http.ResponseWriter, r *http.Request) error {
	caller, err := h.options.Authorize(r)
	if err != nil {
		if isFailure(err) {
			return err
		}
		if len(r.Header["Authorization"]) > 0 {
			return errWrongCaller
		}
		return errCaller
	}
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	text := f.get("token")
	if text == "" {
		return badRequest("token is missing.")
	}
	var about map[string]any
	if h.service.tokenKind.shaped(text) {
		var c *claims
		if c, err = h.any.verify(r.Context(), text); err == nil && caller.may(c.Subject, c.Audience) {
			about = c.introspection()
		}
	} else {
		var key *apikey.Key
		if key, err = h.service.verifier.Verify(r.Context(), text); err == nil && caller.may(key.Subject(), "") {
			about, err = h.service.introspection(key)
		}
	}
	switch {
	case err != nil && (isFailure(err) || !errors.Is(err, apikey.ErrRejected)):
		return err
	case about == nil:
		return reply(w, map[string]bool{"active": false})
	}
	return reply(w, about)
}

// introspection is what is said of a token.
func (c *claims) introspection() map[string]any {
	about := withOwn(c.own)
	about["iss"], about["aud"], about["jti"] = c.Issuer, c.Audience, c.ID
	about["iat"], about["exp"] = c.IssuedAt, c.Expires
	return active(about, c.ClientID, c.Subject, c.Scope)
}

// introspection is what is said of a key. It has the claims that a token of it would have.
func (s *Service) introspection(key *apikey.Key) (map[string]any, error) {
	own, err := ownClaims(key)
	if err != nil { // they are of no use to the caller either
		own = nil
	}
	about := withOwn(own)
	about["iss"] = s.issuer
	about["iat"] = key.CreatedAt().Unix()
	for _, c := range key.Credentials() {
		if c.Number == key.Number() {
			about["iat"] = c.CreatedAt.Unix()
		}
	}
	if end, is := key.ExpiresAt(); is {
		about["exp"] = end.Unix()
	}
	if end, is := key.SecretNotAfter(); is {
		if exp, is := about["exp"].(int64); !is || end.Unix() < exp {
			about["exp"] = end.Unix()
		}
	}
	return active(about, key.ID(), key.Subject(), strings.Join(key.Scopes(), " ")), nil
}

func withOwn(own object) map[string]any {
	about := make(map[string]any, len(own)+10)
	for _, m := range own {
		about[m.name] = json.RawMessage(m.value)
	}
	return about
}

func active(about map[string]any, id, subject, scope string) map[string]any {
	about["active"], about["token_type"], about["client_id"], about["sub"] = true, "Bearer", id, subject
	if scope != "" {
		about["scope"] = scope
	}
	return about
}
