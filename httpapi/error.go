package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Error is an answer that says no.
type Error struct {
	Status     int           // 0: 500
	Code       string        // "": the one that goes with the status
	Message    string        // "": the status's text; never repeats what was sent
	Param      string        // the parameter or member that is wrong; "": none
	RetryAfter time.Duration // rounded up to whole seconds; 0: 1 second for 429 and 503, else none

	allow string
}

// Error returns the message.
func (e *Error) Error() string {
	return "httpapi: " + strconv.Itoa(e.Status) + " " + e.Code + ": " + e.Message
}

// The answers that are always the same.
var (
	keyInvalid  = &Error{Status: http.StatusUnauthorized, Message: "The secret key of this request is missing or invalid."}
	noRoute     = &Error{Status: http.StatusNotFound, Message: "There is nothing at this path."}
	notFound    = &Error{Status: http.StatusNotFound, Message: "There is no such API key."}
	conflict    = &Error{Status: http.StatusConflict, Message: "An API key with this name already exists for this subject.", Param: "name"}
	overQuota   = &Error{Status: http.StatusForbidden, Code: "token_quota_exceeded", Message: "This subject can't have more API keys."}
	noSecrets   = &Error{Status: http.StatusForbidden, Message: "Secrets can't be shown again: only a hash of each is kept. Rotate the key for a new one."}
	revokedKey  = &Error{Status: http.StatusBadRequest, Message: "The API key is revoked, which is final."}
	unavailable = &Error{Status: http.StatusServiceUnavailable, Message: "The service can't answer at the moment."}
	internal    = &Error{Status: http.StatusInternalServerError, Message: "Something went wrong here."}
)

// codes are those that go with a status.
var codes = map[int]string{
	http.StatusBadRequest: "bad_request", http.StatusUnauthorized: "clerk_key_invalid", http.StatusForbidden: "feature_not_enabled",
	http.StatusNotFound: "resource_not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusConflict: "token_creation_conflict",
	http.StatusTooManyRequests: "too_many_requests", http.StatusInternalServerError: "internal_error", http.StatusServiceUnavailable: "service_unavailable",
}

func badRequest(param, reason string) error {
	message := "The request is not valid: " + reason + "."
	if param != "" {
		message = param + " is not valid: " + reason + "."
	}
	return &Error{Status: http.StatusBadRequest, Message: message, Param: param}
}

// notYours: only who manages all keys, or is allowed to, can say this of a key.
func notYours(param string) error {
	return &Error{Status: http.StatusForbidden, Message: param + " is not yours to say.", Param: param}
}

func notAllowed(methods map[string]operation) error {
	allowed := slices.Sorted(maps.Keys(methods))
	if i := slices.Index(allowed, "GET"); i >= 0 {
		allowed = slices.Insert(allowed, i+1, "HEAD")
	}
	return &Error{Status: http.StatusMethodNotAllowed, Message: "The method is not one of this path.", allow: strings.Join(allowed, ", ")}
}

// WriteError answers a request in the form of this package, for what stands in front of it. It writes
// no more than e holds.
func WriteError(w http.ResponseWriter, e *Error) {
	status, code, message, wait := e.Status, e.Code, e.Message, e.RetryAfter
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	if code == "" {
		code = codes[status]
	}
	if code == "" {
		code = strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
	}
	if message == "" {
		message = http.StatusText(status) + "."
	}
	if wait <= 0 && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		wait = time.Second
	}
	h := w.Header()
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int((wait-1)/time.Second)+1))
	}
	if e.allow != "" {
		h.Set("Allow", e.allow)
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	type meta struct {
		Param string `json:"param_name"`
	}
	type one struct {
		Message     string `json:"message"`
		LongMessage string `json:"long_message"`
		Code        string `json:"code"`
		Meta        *meta  `json:"meta,omitempty"`
	}
	wrong := one{message, message, code, nil}
	if e.Param != "" {
		wrong.Meta = &meta{e.Param}
	}
	body, _ := json.Marshal(map[string][]one{"errors": {wrong}}) // strings
	(&reply{status, body}).write(w)
}

// refusal returns the answer to an error of one of the embedder's functions; otherwise for one that is
// neither an answer nor a failure.
func refusal(err error, otherwise *Error) error {
	var answer *Error
	switch {
	case errors.As(err, &answer):
		return answer
	case errors.Is(err, apikey.ErrUnavailable), errors.Is(err, apikey.ErrOverloaded),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errors.Join(unavailable, err)
	}
	return otherwise
}

// members are the wire's names of what a ValidationError names.
var members = map[string]string{
	"Subject": "subject", "Name": "name", "Description": "description", "Type": "type", "CreatedBy": "created_by", "Claims": "claims",
	"Scopes": "scopes", "ExpiresIn": "seconds_until_expiration", "Grace": "grace_seconds", "Reason": "revocation_reason", "id": "id",
}

// fail answers with an error.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	var answer *Error
	var invalid *apikey.ValidationError
	switch {
	case errors.Is(err, apikey.ErrUnavailable), errors.Is(err, apikey.ErrOverloaded): // whatever else their cause matches
		answer = unavailable
	case errors.As(err, &answer):
	case errors.Is(err, apikey.ErrNotFound):
		answer = notFound
	case errors.Is(err, apikey.ErrNameTaken):
		answer = conflict
	case errors.Is(err, apikey.ErrRevokedKey):
		answer = revokedKey
	case errors.As(err, &invalid):
		errors.As(badRequest(members[invalid.Field], invalid.Reason), &answer)
	default:
		answer = unavailable
	}
	if answer.Status == http.StatusUnauthorized {
		a.options.Logger.InfoContext(r.Context(), "httpapi: a caller was refused", "operation", Operation(r), "remote", r.RemoteAddr)
	}
	if answer.Status == http.StatusServiceUnavailable && r.Context().Err() == nil {
		a.options.Logger.WarnContext(r.Context(), "httpapi: a request failed", "operation", Operation(r), "err", err)
	}
	WriteError(w, answer)
}
