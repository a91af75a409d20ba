package httpauth

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// ForwardOptions are the choices of [Forward]. The zero value, and nil, are good ones.
type ForwardOptions struct {
	// Options are those of [Middleware]; RemoveCredential means nothing here.
	Options
	// Scopes returns the scopes that the key must have, all of them, for this request; nil: none are asked for.
	// [ScopesFromQuery] is one. Something that is no scope is held by no key.
	Scopes func(*http.Request) []string
}

// Forward returns a handler for proxies that ask before they pass a request on: auth_request of
// nginx, ForwardAuth of Traefik, forward_auth of Caddy. They send the headers of the client's
// request, and go by the status:
//
//	204  go on; X-Apikey-Id, X-Apikey-Subject and X-Apikey-Scopes (with spaces between) say whose
//	     request it is. None of them is there for one that is let through as anonymous.
//	401  no credential, several, or one that was refused
//	403  the key lacks a scope
//	503  it could not be told
//
// 401 for several credentials, where Middleware says 400: nginx makes 500 of any status but 2xx,
// 401 and 403. So it does of 503, and error_page makes a 503 of it again.
//
// The proxy must replace what clients send under the names of all three headers, also where the answer has
// one empty or not at all, and the upstream must not be reached but through the proxy. Both must mean the same by
// a path: with a path in proxy_pass, nginx passes on the one that it has chosen the location by, and
// without one what the client wrote, /api/x/..%2f..%2fadmin. nginx:
//
//	location /api/ {
//	    auth_request     /auth;
//	    auth_request_set $key_id      $upstream_http_x_apikey_id;
//	    auth_request_set $key_subject $upstream_http_x_apikey_subject;
//	    auth_request_set $key_scopes  $upstream_http_x_apikey_scopes;
//	    proxy_set_header X-Apikey-Id      $key_id;
//	    proxy_set_header X-Apikey-Subject $key_subject;
//	    proxy_set_header X-Apikey-Scopes  $key_scopes;
//	    proxy_set_header Authorization    "";
//	    proxy_set_header X-API-Key        "";
//	    error_page       500 =503 /unavailable;
//	    proxy_pass       http://upstream/api/;
//	}
//	location = /auth {
//	    internal;
//	    proxy_pass              http://127.0.0.1:8080/auth;
//	    proxy_pass_request_body off;
//	    proxy_set_header        Content-Length "";
//	}
//	location = /unavailable {
//	    internal;
//	    return 503;
//	}
//
// Caddy, of which 2.10 and some versions after it leave what the client sent where the answer has nothing
// (GHSA-7r4p-vjf4-gxv4), so that it is taken away before, with "_" for "-", too, which some upstreams
// take for the same. The last lines are for clients that name a header in Connection, which removes it. Caddy
// passes on the path that the client wrote, so this is for all of an upstream: with another route to it that asks
// nobody, /api/x/..%2f..%2fpublic/x would be judged as that one.
//
//	route {
//		request_header -X-Apikey*
//		request_header -X_Apikey*
//		forward_auth 127.0.0.1:8080 {
//			uri /auth?
//			copy_headers X-Apikey-Id X-Apikey-Subject X-Apikey-Scopes
//		}
//		request_header -Authorization
//		request_header -X-Api-Key
//		reverse_proxy upstream:9000 {
//			header_up X-Apikey-Id {http.request.header.X-Apikey-Id}
//			header_up X-Apikey-Subject {http.request.header.X-Apikey-Subject}
//			header_up X-Apikey-Scopes {http.request.header.X-Apikey-Scopes}
//		}
//	}
//
// Traefik replaces the headers that authResponseHeaders names, and leaves those with "_" to a middleware of
// its own.
//
// Bytes of a subject that are not visible ASCII, and "%", are percent-encoded (RFC 3986). The headers
// together have less than 27 KiB, with 100 scopes of 255 bytes; nginx takes 4 or 8 KiB unless
// proxy_buffer_size says more. Safe for concurrent use.
func Forward(v Verifier, opts *ForwardOptions) http.Handler {
	var o ForwardOptions
	if opts != nil {
		o = *opts
	}
	g := newGuard(v, &o.Options)
	g.answers = newAnswers(&o.Options, http.StatusUnauthorized)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var scopes []string
		if o.Scopes != nil {
			scopes = o.Scopes(r)
		}
		key, source, err := g.authenticate(r)
		if g.letsThrough(r, source, err) && len(scopes) == 0 {
			err = nil
		} else if err == nil {
			err = holds(key, scopes)
		}
		vary(w.Header())
		if err != nil {
			a := g.answers.to(err)
			if err == ErrInsufficientScope {
				a = g.answers.insufficient(scopes)
			}
			g.report(r.Context(), key, source, err, a.status)
			a.write(w)
			return
		}
		g.report(r.Context(), key, source, nil, http.StatusNoContent)
		w.Header().Set("Cache-Control", "no-store")
		if key != nil {
			identify(w.Header(), key)
			deprecate(w.Header(), key)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// identify says whose request it is.
func identify(h http.Header, key *apikey.Key) {
	h.Set("X-Apikey-Id", key.ID())
	h.Set("X-Apikey-Subject", visible(key.Subject()))
	scopes := key.Scopes()
	if !areScopes(scopes) { // by a Verifier that is not apikey's: "read admin" would become two
		scopes = nil
	}
	h.Set("X-Apikey-Scopes", strings.Join(scopes, " "))
}

// ScopesFromQuery returns the scopes in the parameter "scope" of a request's URL, repeated or with spaces
// between: /auth?scope=read+write. The URL must be set by the proxy's configuration, never by the
// client. Where the query can't be read, the parameter is empty, or there is any other one ("scopes"), that is a
// scope which no key has, so that a mistake in the configuration opens nothing.
func ScopesFromQuery(r *http.Request) []string {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return []string{""}
	}
	var scopes []string
	for name := range query {
		if name != "scope" {
			return []string{""}
		}
	}
	for _, value := range query["scope"] {
		named := strings.FieldsFunc(value, func(c rune) bool { return c == ' ' })
		if len(named) == 0 {
			named = []string{""}
		}
		scopes = append(scopes, named...)
	}
	return scopes
}

// visible percent-encodes what does not arrive everywhere as it was sent: white space at the ends is
// cut off on the way, so that " x" would become somebody else, and bytes beyond ASCII are read
// in one encoding or another.
func visible(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
