package httpapi

import (
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

func update(r *request) (*reply, error) {
	b, err := r.object("claims", "scopes", "description", "subject", "seconds_until_expiration", "name", "type", "created_by")
	if err != nil {
		return nil, err
	}
	p, err := r.updateParams(b)
	if err != nil {
		return nil, err
	}
	key, issuer, err := r.key()
	if err != nil {
		return nil, err
	}
	if p.Subject != nil && *p.Subject == key.Subject() {
		p.Subject = nil // clients send it with every update
	}
	if err := r.caller.mayUpdate(key, &p); err != nil {
		return nil, err
	}
	if p.Subject != nil {
		if !r.options.AllowSubjectChange || !r.caller.All {
			return nil, badRequest("subject", "it can't be changed")
		}
		if err := r.quota(*p.Subject); err != nil {
			return nil, err
		}
	}
	if key, err = issuer.Update(r.Context(), r.id, p); err != nil {
		return nil, err
	}
	return marshal(http.StatusOK, key)
}

// updateParams reads a body in which what is absent stays as it is, and null clears.
func (r *request) updateParams(b body) (p apikey.UpdateParams, err error) {
	for _, fixed := range []string{"name", "type", "created_by"} {
		if b.has(fixed) {
			return p, badRequest(fixed, "it can't be changed")
		}
	}
	if b.has("description") {
		description, err := b.description()
		if err != nil {
			return p, err
		}
		p.Description = &description
	}
	if b.has("subject") {
		subject, err := b.text("subject")
		if err != nil {
			return p, err
		}
		if err := r.checkSubject(subject); err != nil {
			return p, err
		}
		p.Subject = &subject
	}
	p.Claims = b["claims"]
	if p.Scopes, err = b.scopes(); err != nil {
		return p, err
	}
	if b.has("seconds_until_expiration") {
		in, err := b.seconds("seconds_until_expiration", false)
		if err != nil {
			return p, err
		}
		p.ExpiresIn = &in
	}
	return p, nil
}
