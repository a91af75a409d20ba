package httpauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// What was wrong with a request, beside the rejections and failures of apikey.
var (
	// ErrNoCredential: nothing was presented, or in a way that is not taken.
	ErrNoCredential = errors.New("httpauth: no credential")
	// ErrSeveralCredentials: a header was repeated, or there were two sources.
	ErrSeveralCredentials = errors.New("httpauth: several credentials")
	// ErrInsufficientScope: the key is good, but has not every scope that the route asks for.
	ErrInsufficientScope = errors.New("httpauth: insufficient scope")
)

// answer is a refusal. It is made once, so that nothing of the request can get into it.
type answer struct {
	status     int
	challenge  []string // WWW-Authenticate
	retryAfter string
	body       []byte
}

// problem is a body of RFC 9457. Its type is about:blank, so the title is the status's.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Scope  string `json:"scope,omitempty"` // what was asked for, as in the challenge
}

func newAnswer(status int, detail, scope string, challenge ...string) *answer {
	body, _ := json.Marshal(problem{"about:blank", http.StatusText(status), status, detail, scope}) // strings and a number
	return &answer{status: status, challenge: challenge, body: append(body, '\n')}
}

// after makes it say when to try again.
func (a *answer) after(seconds time.Duration) *answer {
	a.retryAfter = strconv.Itoa(int(seconds))
	return a
}

func (a *answer) write(w http.ResponseWriter) {
	h := w.Header()
	for _, ofAnother := range []string{"Content-Length", "Etag", "Last-Modified"} { // which something outside has set
		delete(h, ofAnother)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	for _, c := range a.challenge {
		h.Add("WWW-Authenticate", c)
	}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// answers are the refusals of one guard.
type answers struct {
	realm                           string
	missing, rejected, several, out *answer
}

// newAnswers makes the refusals; several is the status of the one for several credentials.
func newAnswers(o *Options, several int) answers {
	challenges := func(params ...string) []string {
		all := []string{challenge(o.Realm, params...)}
		if o.Basic {
			realm := o.Realm
			if realm == "" {
				realm = "api"
			}
			all = append(all, "Basic realm="+quote(realm)+`, charset="UTF-8"`)
		}
		return all
	}
	wait := (max(o.RetryAfter, 1)-1)/time.Second + 1
	return answers{
		realm: o.Realm,
		missing: newAnswer(http.StatusUnauthorized, "An API key is needed.", "",
			challenges()...),
		rejected: newAnswer(http.StatusUnauthorized, "The API key is not valid.", "",
			challenges(`error="invalid_token"`)...),
		several: newAnswer(several, "More than one credential was presented.", "",
			challenges(`error="invalid_request"`)...),
		out: newAnswer(http.StatusServiceUnavailable, "API keys can't be verified at the moment.", "").after(wait),
	}
}

// insufficient names the scopes that a route asks for.
func (a *answers) insufficient(scopes []string) *answer {
	const detail, code = "The API key lacks a scope.", `error="insufficient_scope"`
	scope := strings.Join(scopes, " ")
	if len(scope) > maxNamed || !areScopes(scopes) { // from a URL
		return newAnswer(http.StatusForbidden, detail, "", challenge(a.realm, code))
	}
	return newAnswer(http.StatusForbidden, detail, scope, challenge(a.realm, code, `scope="`+scope+`"`))
}

// maxNamed is the longest list of scopes that an answer repeats, in bytes.
const maxNamed = 1 << 10

// challenge is one of RFC 6750, section 3.
func challenge(realm string, params ...string) string {
	if realm != "" {
		params = append([]string{"realm=" + quote(realm)}, params...)
	}
	return strings.TrimSuffix("Bearer "+strings.Join(params, ", "), " ")
}

// to returns the answer to an error. What is neither a rejection nor the client's mistake is the system's
// failure, and says nothing about the key.
func (a *answers) to(err error) *answer {
	switch {
	case isFailure(err):
		return a.out
	case errors.Is(err, apikey.ErrRejected):
		return a.rejected
	case errors.Is(err, ErrNoCredential):
		return a.missing
	case errors.Is(err, ErrSeveralCredentials):
		return a.several
	}
	return a.out
}

// isFailure reports a failure of the system. Where such an error also wraps a rejection, it was
// not told whether the key is good.
func isFailure(err error) bool {
	return errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrOverloaded)
}

// isMalformed reports that a Verifier knows no credential of this shape.
func isMalformed(err error) bool { return errors.Is(err, apikey.ErrMalformed) && !isFailure(err) }

// quote makes a quoted-string (RFC 9110, section 5.6.4). What such a string can't hold is left
// out; the rest of ISO 8859-1 and Unicode, too, as every reader takes it for something else.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			continue
		}
		if c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	b.WriteByte('"')
	return b.String()
}
