package httpauth

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
)

// ForwardOptions are the choices of [Forward]. The zero value, and nil, are good ones.
type ForwardOptions struct {
	// Options are those of [Middleware]; RemoveCredential means nothing here.
	Options
	// Scopes returns the scopes that the key must have, all of them, for this request; nil: none are asked for.
	// Where they are taken from the URL, as in /auth?scope=admin, the proxy's configuration must
	// set that URL, not the client. Something that is no scope is held by no key.
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
// 401 and 403. So it does of 503; this makes a 503 of it again, in a location whose own handler does
// not answer 500 by itself:
//
//	location /api/ {
//	    auth_request     /auth;
//	    auth_request_set $key_subject $upstream_http_x_apikey_subject;
//	    proxy_set_header X-Apikey-Subject $key_subject;  # replaces what the client sent
//	    proxy_set_header Authorization "";
//	    proxy_set_header X-API-Key "";
//	    error_page       500 =503 /unavailable;
//	    proxy_pass       http://upstream;
//	}
//	location = /auth {
//	    internal;
//	    proxy_pass              http://127.0.0.1:8080/auth;
//	    proxy_pass_request_body off;
//	    proxy_set_header        Content-Length "";
//	}
//
// The proxy must replace what clients send under the names of these headers (authResponseHeaders of
// Traefik and copy_headers of Caddy do), and the upstream must not be reached but through it.
//
// Bytes of a subject that are not visible ASCII, and "%", are percent-encoded (RFC 3986). Safe for
// concurrent use.
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
	h.Set("X-Apikey-Scopes", strings.Join(key.Scopes(), " "))
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
