package httpapi

import (
	"errors"
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

func get(r *request) (*reply, error) {
	key, _, err := r.key()
	if err != nil {
		return nil, err
	}
	return marshal(http.StatusOK, key)
}

func remove(r *request) (*reply, error) {
	if _, err := r.optionalObject(); err != nil {
		return nil, err
	}
	_, issuer, err := r.key()
	if err != nil {
		return nil, err
	}
	if err := issuer.Delete(r.Context(), r.id); err != nil {
		return nil, err
	}
	return marshal(http.StatusOK, struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{r.id, "api_key", true})
}

func secret(r *request) (*reply, error) {
	if _, _, err := r.key(); err != nil {
		return nil, err
	}
	return nil, noSecrets
}

func revoke(r *request) (*reply, error) {
	b, err := r.optionalObject("revocation_reason")
	if err != nil {
		return nil, err
	}
	reason, err := b.textOrNull("revocation_reason")
	if err != nil {
		return nil, err
	}
	_, issuer, err := r.key()
	if err != nil {
		return nil, err
	}
	key, err := issuer.Revoke(r.Context(), r.id, apikey.RevokeParams{Reason: reason, By: r.caller.label()})
	if err != nil {
		return nil, err
	}
	return marshal(http.StatusOK, key)
}

func rotate(r *request) (*reply, error) {
	b, err := r.optionalObject("grace_seconds")
	if err != nil {
		return nil, err
	}
	grace, err := b.seconds("grace_seconds", true)
	if err != nil {
		return nil, err
	}
	key, issuer, err := r.key()
	if err != nil {
		return nil, err
	}
	if err := r.caller.mayRenew(key); err != nil {
		return nil, err
	}
	key, secret, err := issuer.Rotate(r.Context(), r.id, apikey.RotateParams{Grace: grace})
	if err != nil {
		return nil, err
	}
	body, err := apikey.CreatedJSON(key, secret)
	return &reply{http.StatusOK, body}, err
}

// verify answers every rejection alike: whoever may ask still learns nothing about a key that it does not
// hold. Another status than 404 is taken by clients for a fault of theirs or ours.
func verify(r *request) (*reply, error) {
	b, err := r.object("secret")
	if err != nil {
		return nil, err
	}
	text, err := b.string("secret")
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, badRequest("secret", "required")
	}
	key, err := r.verifier.Verify(r.Context(), text)
	if errors.Is(err, apikey.ErrRejected) || err == nil && !r.shows(key) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	return marshal(http.StatusOK, key)
}

// shows reports whether a key is there for the caller, and has an id of the prefix that this is for.
func (r *request) shows(key *apikey.Key) bool {
	id := key.ID()
	return id[:len(id)-idDigits-1] == r.issuer.Prefix() && r.issuer.Manages(key) && r.caller.sees(key.Subject())
}
