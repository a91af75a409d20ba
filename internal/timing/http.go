package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
	"github.com/seed-d3a9fb6b/apikey/internal/dudect"
)

// adminToken is 43 characters, as 32 random bytes are in base64.
const adminToken = "pT5sWq0Zk3mB8vXc1nRy7uHj2dLg9fAe4oKi6tQxYzM"

const scheme = "Bearer "

// overHTTP are experiments on handlers, without a network: the same call of a handler, from the header to the last
// byte of the answer.
func (w *world) overHTTP() ([]dudect.Experiment, error) {
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { w.err = nil })
	guarded := httpauth.Middleware(w.verifier, nil)(next)
	api, err := httpapi.New(w.issuer, w.verifier, &httpapi.Options{Tokens: []string{adminToken}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("make the management API: %w", err)
	}
	ids := w.forgedOf(w.warm, w.unknown)
	return []dudect.Experiment{
		{Name: "forged, at the middleware: id warm / unknown", Call: w.serve(guarded, "/"),
			Prepare: func(class int) string { return scheme + ids(class) }},
		{Name: "token of the management API: wrong in its first / last character", Call: w.serve(api, "/v1/api_keys"),
			Prepare: func(class int) string {
				b := []byte(adminToken)
				at := class * (len(b) - 1)
				for b[at] == adminToken[at] {
					b[at] = digits[w.below(len(digits))]
				}
				return scheme + string(b)
			}},
	}, nil
}

// serve calls a handler with the input as Authorization.
func (w *world) serve(h http.Handler, path string) func(input string) {
	authorization := []string{""}
	r := (&http.Request{Method: "GET", URL: &url.URL{Path: path}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Authorization": authorization}, Host: "localhost", Body: http.NoBody}).WithContext(w.ctx)
	reply := &reply{header: make(http.Header)}
	return func(input string) {
		clear(reply.header)
		authorization[0] = input
		h.ServeHTTP(reply, r)
		w.status = reply.status
	}
}

// reply keeps the status of an answer.
type reply struct {
	header http.Header
	status int
}

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) Write(b []byte) (int, error) { return len(b), nil }
func (r *reply) WriteHeader(status int)      { r.status = status }
