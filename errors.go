package apikey

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-d3a9fb6b/apikey/hash"
)

// Rejections: the credential is no good. Each matches [ErrRejected] and itself.
// Outside the process they must all look the same; the difference is for logs.
var (
	// ErrRejected is matched by every rejection and by no failure of the system.
	ErrRejected = errors.New("apikey: rejected")

	// ErrMalformed: not the text of a key, or its prefix is not one this Verifier takes.
	ErrMalformed error = &rejection{"apikey: malformed key"}
	// ErrUnknown: a tag that is not ours, a key that is gone, a secret that was rotated away, or the wrong secret.
	ErrUnknown error = &rejection{"apikey: unknown key"}
	// ErrRevoked: the key was revoked.
	ErrRevoked error = &rejection{"apikey: revoked key"}
	// ErrExpired: the key's expiry has come.
	ErrExpired error = &rejection{"apikey: expired key"}
	// ErrDenied: [VerifierOptions].Check said no, or the key is disabled.
	ErrDenied error = &rejection{"apikey: denied key"}
)

// Failures of the system: they say nothing about the credential and are never rejections.
var (
	// ErrOverloaded: the queue for argon2 is full, or the wait in it was over. Try again later.
	ErrOverloaded = errors.New("apikey: overloaded")
	// ErrUnavailable: the store failed, the context ended first, or the Verifier is closed. It wraps the cause.
	ErrUnavailable = errors.New("apikey: unavailable")
)

// Answers of management calls and of stores.
var (
	// ErrNotFound: there is no such key, or not for this caller.
	ErrNotFound = errors.New("apikey: no such key")
	// ErrNameTaken: unique names are asked for, and a key of the subject that is not revoked has the name.
	ErrNameTaken = errors.New("apikey: name is taken")
	// ErrRevokedKey: the key is revoked, which is final: it can't be updated or rotated.
	ErrRevokedKey = errors.New("apikey: the key is revoked and can't be changed")
	// ErrExists is what [Store].Create answers when the id is there already.
	ErrExists = errors.New("apikey: id exists")
	// ErrConflict is what [Store].Replace and [Store].SwapValue answer when what is stored has changed since it was read.
	ErrConflict = errors.New("apikey: changed meanwhile")
	// ErrSealed: no key of the [Keyring] opens the value, or it was altered.
	ErrSealed = errors.New("apikey: the keyring does not open this value")
)

// rejection is a sentinel that also matches ErrRejected.
type rejection struct{ text string }

func (r *rejection) Error() string        { return r.text }
func (r *rejection) Is(target error) bool { return target == ErrRejected }

// RejectedError is a rejection of a key that is known to have been issued here: its tag was
// true, or its record was found, so its id may be logged.
type RejectedError struct {
	KeyID string // as [Key.ID]
	Err   error  // matches one of the rejections
}

// Error names the key by its id, which is public.
func (e *RejectedError) Error() string { return e.Err.Error() + ": " + e.KeyID }

// Unwrap returns the reason.
func (e *RejectedError) Unwrap() error { return e.Err }

// ValidationError says which argument or option is wrong and why.
type ValidationError struct {
	Field  string // the parameter's or option's name in Go, as in CreateParams.Name: "Name"
	Reason string // never repeats the value
}

func (e *ValidationError) Error() string { return "apikey: invalid " + e.Field + ": " + e.Reason }

func invalid(field, format string, args ...any) error {
	return &ValidationError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// unavailable wraps a fault so that it matches ErrUnavailable, or ErrOverloaded if that is what it is, and its cause.
func unavailable(doing string, cause error) error {
	kind := ErrUnavailable
	if errors.Is(cause, hash.ErrBusy) || errors.Is(cause, ErrOverloaded) {
		kind = ErrOverloaded
	}
	if errors.Is(cause, ErrRejected) { // a failure is never a rejection, whatever somebody wrapped
		return fmt.Errorf("%w: %s: %v", kind, doing, cause)
	}
	return fmt.Errorf("%w: %s: %w", kind, doing, cause)
}

// isFailure tells an error that says nothing about the credential from one that does.
func isFailure(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOverloaded) || errors.Is(err, hash.ErrBusy) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// endOf returns why ctx ended: its error, and its cause if that says more.
func endOf(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	switch {
	case cause == err:
		return err
	case errors.Is(cause, ErrRejected):
		return fmt.Errorf("%w: %v", err, cause)
	}
	return fmt.Errorf("%w: %w", err, cause)
}
