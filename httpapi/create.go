package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

func create(r *request) (*reply, error) {
	p, err := r.createParams()
	if err != nil {
		return nil, err
	}
	issuer, err := r.issuerFor(p.Subject)
	if err != nil {
		return nil, err
	}
	if err := r.caller.may(p.Scopes, p.Claims, p.CreatedBy); err != nil {
		return nil, err
	}
	if err := r.quota(p.Subject); err != nil {
		return nil, err
	}
	key, secret, err := issuer.Create(r.Context(), p)
	if err != nil {
		return nil, err
	}
	body, err := apikey.CreatedJSON(key, secret)
	return &reply{r.createStatus(), body}, err
}

// quota asks whether a subject can have one key more.
func (r *request) quota(subject string) error {
	if r.options.Quota == nil {
		return nil
	}
	if err := r.options.Quota(r.Context(), subject); err != nil {
		return refusal(err, overQuota)
	}
	return nil
}

// createParams reads the body.
func (r *request) createParams() (p apikey.CreateParams, err error) {
	b, err := r.object("name", "subject", "type", "description", "claims", "scopes", "created_by", "seconds_until_expiration")
	if err != nil {
		return p, err
	}
	if p.Name, err = b.name(); err != nil {
		return p, err
	}
	if p.Subject, err = b.text("subject"); err != nil {
		return p, err
	}
	if err = r.checkSubject(p.Subject); err != nil {
		return p, err
	}
	if p.Type, err = b.text("type"); err != nil {
		return p, err
	}
	if b.has("type") && p.Type == "" { // which would be the default
		return p, badRequest("type", "shorter than 3 characters")
	}
	if p.Description, err = b.description(); err != nil {
		return p, err
	}
	if !b.isNull("claims") {
		p.Claims = b["claims"]
	}
	if p.Scopes, err = b.scopes(); err != nil {
		return p, err
	}
	if p.CreatedBy, err = b.textOrNull("created_by"); err != nil {
		return p, err
	}
	if b.has("created_by") && !b.isNull("created_by") {
		if err = r.checkCreator(p.CreatedBy); err != nil {
			return p, err
		}
	}
	p.ExpiresIn, err = b.seconds("seconds_until_expiration", false)
	return p, err
}

// createStatus: clients that are generated from a description of the API take one status and no other,
// the older ones 200 and Python from 5.0.4 on 201. They tell themselves by
// "speakeasy-sdk/<language> <version> …".
func (r *request) createStatus() int {
	if r.options.CreateStatus != 0 {
		return r.options.CreateStatus
	}
	agent, generated := strings.CutPrefix(r.UserAgent(), "speakeasy-sdk/")
	if !generated {
		return http.StatusCreated
	}
	language, rest, _ := strings.Cut(agent, " ")
	version, _, _ := strings.Cut(rest, " ")
	if language == "python" && atLeast(version, 5, 0, 4) {
		return http.StatusCreated
	}
	return http.StatusOK
}

// atLeast compares a version, 1.2.3, with another; one that can't be read is less.
func atLeast(version string, least ...int) bool {
	parts := strings.Split(version, ".")
	for i, want := range least {
		if i == len(parts) {
			return false
		}
		n, err := strconv.ParseUint(parts[i], 10, 31)
		if err != nil {
			return false
		}
		if int(n) != want {
			return int(n) > want
		}
	}
	return true
}
