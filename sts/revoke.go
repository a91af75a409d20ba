package sts

import (
	"errors"
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

// reason is what a key has for the reason of its revocation.
const reason = "revoked by whoever held it (RFC 7009)"

// revoke revokes a key for whoever has it, and with it all that was derived. What is no key of ours is as
// good as revoked, so that is 200 (RFC 7009, section 2.2), as is one that is expired; that it could not be told, or not be done, is not.
func (h *handler) revoke(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	c, err := h.client(r, f)
	if err != nil {
		return err
	}
	text := f.get("token")
	switch {
	case text == "":
		return badRequest("token is missing.")
	case h.service.tokenKind.shaped(text):
		// A token is not proof of the key that it was derived from, and dies soon.
		return &oauthError{Code: "unsupported_token_type", Description: "Tokens can't be revoked one by one. Revoke their key."}
	case c.tried && c.secret != text:
		key, err := h.service.verifier.Verify(r.Context(), c.secret)
		if err != nil {
			return refusal(err, h.invalidClient())
		}
		if key.ID() != c.id {
			return h.invalidClient()
		}
	}
	key, err := h.service.verifier.Verify(r.Context(), text)
	switch {
	case errors.Is(err, apikey.ErrDenied) && !isFailure(err):
		// It may be let in again, so it is not as good as revoked, and whoever is refused can't say what is to become of it.
		return &oauthError{Code: "unauthorized_client", Description: "The key is refused at the moment. Have it revoked by who manages it."}
	case err != nil && !isFailure(err) && errors.Is(err, apikey.ErrRejected):
		return revoked(w)
	case err != nil:
		return err
	case c.id != "" && c.id != key.ID():
		return &oauthError{Code: "unauthorized_client", Description: "The key is not that of the client."}
	case !h.options.Issuer.Manages(key):
		return &oauthError{Code: "unauthorized_client", Description: "Keys of this kind are not revoked here."}
	}
	_, err = h.options.Issuer.Revoke(r.Context(), key.ID(), apikey.RevokeParams{Reason: reason})
	if errors.Is(err, apikey.ErrNotFound) && !isFailure(err) {
		// It is gone since, or it is not the Issuer's, and lives.
		if _, now := h.service.verifier.Verify(r.Context(), text); now == nil || isFailure(now) || !errors.Is(now, apikey.ErrRejected) {
			return unavailable("revoke a key that the Issuer does not find", errors.Join(err, now))
		}
		err = nil
	}
	if err != nil {
		return err
	}
	return revoked(w)
}

// revoked answers with no content that anybody reads.
func revoked(w http.ResponseWriter) error { return reply(w, struct{}{}) }
