package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

// oauthError is an answer that says no (RFC 6749, section 5.2). It is made of constants: nothing of a request
// gets into it.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`

	status    int // 0: 400
	challenge string
	allow     string
}

func (e *oauthError) Error() string { return "sts: " + e.Code + ": " + e.Description }

func badRequest(description string) error {
	return &oauthError{Code: "invalid_request", Description: description}
}

var (
	errCaller      = &oauthError{Code: "invalid_client", Description: "Introspection is not for everybody.", status: http.StatusUnauthorized, challenge: "Bearer"}
	errWrongCaller = &oauthError{Code: "invalid_client", Description: errCaller.Description, status: http.StatusUnauthorized, challenge: `Bearer error="invalid_token"`}
	errUnavailable = &oauthError{Code: "temporarily_unavailable", Description: "The service can't answer at the moment.", status: http.StatusServiceUnavailable}
)

// invalidClient is the one answer to every key that is no good.
func (h *handler) invalidClient() error {
	return &oauthError{Code: "invalid_client", Description: "client_id and client_secret are not the id and the text of a valid key.",
		status: http.StatusUnauthorized, challenge: `Basic realm="` + h.realm + `"`}
}

// refusal returns the answer to an error of an exchange; rejected is that for a key that is no good.
func refusal(err, rejected error) error {
	var answer *oauthError
	switch {
	case isFailure(err): // whatever else its cause matches
		return err
	case errors.As(err, &answer):
		return err
	case errors.Is(err, apikey.ErrRejected):
		return rejected
	case errors.Is(err, ErrScope):
		return &oauthError{Code: "invalid_scope", Description: "The key does not have every scope that was asked for."}
	case errors.Is(err, ErrAudience):
		return &oauthError{Code: "invalid_target", Description: "Tokens are not made for this resource or audience."}
	case errors.Is(err, ErrTooLarge):
		return badRequest("The token would be longer than 4 KiB. Ask for fewer scopes.")
	case errors.Is(err, ErrClaims):
		return badRequest("The claims of the key can't be put into a token.")
	}
	return err
}

// isFailure tells what says nothing about the credential.
func isFailure(err error) bool {
	return errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrOverloaded) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// fail answers with an error. What is none of this package's is a failure.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var answer *oauthError
	if isFailure(err) || !errors.As(err, &answer) {
		answer = errUnavailable
		if r.Context().Err() == nil {
			h.options.Logger.WarnContext(r.Context(), "sts: a request failed", "path", r.URL.Path, "err", err)
		}
	}
	header := w.Header()
	if answer.challenge != "" {
		header.Set("WWW-Authenticate", answer.challenge)
	}
	if answer.allow != "" {
		header.Set("Allow", answer.allow)
	}
	status := answer.status
	switch status {
	case 0:
		status = http.StatusBadRequest
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", "1")
	}
	body, _ := json.Marshal(answer) // strings
	write(w, status, body)
}

// reply answers with a JSON object that is nobody else's.
func reply(w http.ResponseWriter, v any) error {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return unavailable("write the answer", err)
	}
	write(w, http.StatusOK, b.Bytes())
	return nil
}

func write(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache") // RFC 6749, section 5.1
	w.WriteHeader(status)
	w.Write(body)
}
