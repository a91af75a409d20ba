// Package httpapi serves the management of API keys over HTTP, in the wire format of Clerk's
// "API keys": programs that use a client of Clerk's Backend API work against it with another base
// URL.
//
//	issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{UniqueNames: true})
//	…
//	api, err := httpapi.New(issuer, verifier, &httpapi.Options{Tokens: []string{os.Getenv("ADMIN_TOKEN")}})
//	mux.Handle("/v1/", api)
//
// UniqueNames is what makes a second key of one name a 409, as it is at Clerk, also where a client only
// tries again since it did not get the reply.
//
//	POST   /api_keys              create; the only reply, beside that of rotate, with a secret
//	GET    /api_keys              list, by subject
//	GET    /api_keys/{id}         get
//	PATCH  /api_keys/{id}         update
//	DELETE /api_keys/{id}         delete
//	GET    /api_keys/{id}/secret  always an error: secrets are not kept
//	POST   /api_keys/{id}/revoke  revoke
//	POST   /api_keys/verify       verify
//	POST   /api_keys/{id}/rotate  a new secret under the same id; not in Clerk's API
//	GET    /openapi.json          all of this as an OpenAPI 3.1 document, to anybody
//
// What stands before "/api_keys" in a path does not matter, so that it also works as "/v1/api_keys",
// which Clerk's client for Go asks for, where that for JavaScript does without "/v1", and wherever it is
// mounted. So what guards a route in front of it goes by [Operation], not by the path. It does its own routing, and can be a server's only handler. An
// http.ServeMux in front of it answers paths that are not clean ("//", "..") by itself, with a redirect in
// HTML; where that matters, dispatch without one, as examples/server does.
//
// Every reply is JSON and never cached. An error is
//
//	{"errors":[{"message":"…","long_message":"…","code":"…","meta":{"param_name":"…"}}]}
//
// and repeats nothing of what was sent but an unknown member's name, if that is of small letters and "_".
// Replies 503 say that it could not be told, or not be done; after one of those, a change may have
// been made. To bound how long a request takes, give it a context with a deadline: the reply is 503 then.
// http.TimeoutHandler answers in HTML.
//
// # Limits
//
// How often somebody may call is for the embedding server to say. This answers in the same form:
//
//	limited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//		if !limiter.Allow(caller(r)) {
//			httpapi.WriteError(w, &httpapi.Error{Status: http.StatusTooManyRequests, RetryAfter: time.Second})
//			return
//		}
//		api.ServeHTTP(w, r)
//	})
//
// [Options].Quota bounds how many keys a subject may have. A list reads all keys that its offset skips: 50,000
// are 0.2 s from memory.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

// Options are the choices of [New]. Tokens or Authorize is needed, and not both.
type Options struct {
	// Tokens are those that may manage all keys, sent as "Authorization: Bearer". What is kept of
	// them in memory is a hash. Make them of 32 random bytes: nothing slows down who guesses. Each has 20
	// characters at least.
	Tokens []string
	// Authorize says which keys a request may manage. It gets every request but those for the OpenAPI
	// document, and must not read the body. An [*Error] is answered as it is; one that matches
	// apikey.ErrUnavailable, apikey.ErrOverloaded or a context's error with 503; any other with 401,
	// which Clerk's clients take for a wrong secret key of their own.
	//
	// If it goes by a cookie, other sites can have a browser send requests, as no Content-Type is asked for: put
	// [http.CrossOriginProtection] in front.
	Authorize func(*http.Request) (Caller, error)
	// ValidSubject says which subjects there may be; nil: those of Clerk, (user|org|mch|scim)_ and 27
	// letters, digits or underscores. With it, created_by may be any text, too.
	ValidSubject func(subject string) bool
	// AllowSubjectChange lets an update move a key to another subject. Only a [Caller] who manages all
	// keys can.
	AllowSubjectChange bool
	// CreateStatus is that of the reply to create: 201 or 200. 0: 201, but 200 for the generated
	// clients that take nothing else, as their User-Agent tells.
	CreateStatus int
	// Quota is asked before a key is created, or moved to the subject; an error is answered with 403
	// token_quota_exceeded, with the exceptions of Authorize. Count with Query.IncludeInvalid, as an expired key
	// can be given a new life. Quota does not see creates under way: several at once can each have the last
	// place. What it was asked for may still be refused.
	Quota func(ctx context.Context, subject string) error
	// Logger is told, at Info, of requests answered with 401, since somebody may be guessing, at Warn of what
	// failed and at Error of panics; nil: [slog.Default].
	Logger *slog.Logger
}

// api is the handler.
type api struct {
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	options  Options
	document []byte
}

// New returns a handler for the management of the issuer's keys; one of ForSubject is for that subject's.
// verifier answers "verify", for keys of the issuer alone. Lists and counts do not tell prefixes apart: where
// Issuers of several are on one store, they show the keys of all. A wrong option is an
// [*apikey.ValidationError]. The handler is safe for concurrent use.
func New(issuer *apikey.Issuer, verifier *apikey.Verifier, opts *Options) (http.Handler, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	invalid := func(field, reason string) (http.Handler, error) {
		return nil, &apikey.ValidationError{Field: field, Reason: reason}
	}
	switch {
	case issuer == nil:
		return invalid("issuer", "required")
	case verifier == nil:
		return invalid("verifier", "required")
	case o.Authorize == nil && len(o.Tokens) == 0:
		return invalid("Tokens", "neither these nor Authorize are set")
	case o.Authorize != nil && len(o.Tokens) > 0:
		return invalid("Tokens", "Authorize is set, too")
	case o.CreateStatus != 0 && o.CreateStatus != http.StatusOK && o.CreateStatus != http.StatusCreated:
		return invalid("CreateStatus", "not 200, 201 or 0 for the rule")
	}
	if o.Authorize == nil {
		authorize, err := tokens(o.Tokens)
		if err != nil {
			return nil, err
		}
		o.Authorize, o.Tokens = authorize, nil
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &api{issuer, verifier, o, document(issuer.Prefix(), o.ValidSubject != nil)}, nil
}

// ServeHTTP answers one request.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer a.recovered(w, r)
	path, is := target(r.URL.EscapedPath())
	if is && path == documentPath {
		a.serveDocument(w, r)
		return
	}
	caller, err := a.options.Authorize(r)
	if err != nil {
		a.fail(w, r, refusal(err, keyInvalid))
		return
	}
	if !is {
		a.fail(w, r, noRoute)
		return
	}
	o, id, err := match(path, r.Method)
	if err == nil && id != "" {
		id, err = a.keyID(id)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply, err := o.answer(&request{api: a, Request: r, w: w, caller: caller, id: id})
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply.write(w)
}

// request is one that was authorized and has found its operation.
type request struct {
	*api
	*http.Request
	w      http.ResponseWriter // to bound the body, not to be written
	caller Caller
	id     string
}
