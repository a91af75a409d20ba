package httpapi

import "regexp"

// What subjects and users look like at Clerk. \w is ASCII.
var (
	clerkSubject = regexp.MustCompile(`^(user|org|mch|scim)_\w{27}$`)
	clerkUser    = regexp.MustCompile(`^user_\w{27}$`)
)

// checkSubject says whether there can be such a subject.
func (a *api) checkSubject(subject string) error {
	valid := a.options.ValidSubject
	if valid == nil {
		valid = clerkSubject.MatchString
	}
	if subject == "" {
		return badRequest("subject", "required")
	}
	if !valid(subject) {
		return badRequest("subject", "not a subject")
	}
	return nil
}

// checkCreator says whether there can be such a user, who created a key.
func (a *api) checkCreator(user string) error {
	if a.options.ValidSubject == nil && !clerkUser.MatchString(user) {
		return badRequest("created_by", "not a user")
	}
	return nil
}
