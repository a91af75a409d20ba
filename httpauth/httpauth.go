// Package httpauth lets requests with a good API key through to net/http handlers:
//
//	auth := httpauth.Middleware(verifier, nil)
//	mux.Handle("GET /whoami", auth(http.HandlerFunc(whoami)))
//	mux.Handle("GET /report", auth(httpauth.RequireScopes("admin")(http.HandlerFunc(report))))
//
//	func whoami(w http.ResponseWriter, r *http.Request) {
//		key, _ := apikey.FromContext(r.Context())
//		fmt.Fprintln(w, key.Subject())
//	}
//
// A client sends its key as "Authorization: Bearer", as "X-API-Key", or, if
// [Options].Basic allows it, as user name or password of Basic. One credential, not two. It is
// never taken from a URL, which ends in logs.
//
// The answers are those of RFC 6750, section 3.1, with a body of RFC 9457: 401 without an error
// code where nothing was presented, 401 invalid_token for whatever was refused, 400
// invalid_request for two credentials, 403 insufficient_scope, and 503 with Retry-After where it
// could not be told. A key that is malformed, unknown, wrong, expired, revoked or denied gets the
// same bytes; which of them it was goes to [Options].OnResult.
//
// Browsers ask for permission without a credential (OPTIONS, CORS): what answers them has to stand in
// front of the middleware.
//
// # Routers
//
// What Middleware and RequireScopes return has the type that chi takes as it is:
//
//	r := chi.NewRouter()
//	r.Use(httpauth.Middleware(verifier, nil))
//	r.With(httpauth.RequireScopes("admin")).Get("/report", report)
//
// echo wraps it:
//
//	e.Use(echo.WrapMiddleware(httpauth.Middleware(verifier, nil)))
//	// in a handler: apikey.FromContext(c.Request().Context())
//
// gin calls its handlers by itself, so its chain is made the next handler:
//
//	func forGin(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
//		return func(c *gin.Context) {
//			through := false
//			middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//				through, c.Request = true, r
//				c.Next()
//			})).ServeHTTP(c.Writer, c.Request)
//			if !through {
//				c.Abort()
//			}
//		}
//	}
//
//	engine.Use(forGin(httpauth.Middleware(verifier, nil)))
//	engine.GET("/report", forGin(httpauth.RequireScopes("admin")), report)
//	// in a handler: apikey.FromContext(c.Request.Context())
//
// # Proxies
//
// [Forward] answers a proxy that asks before it passes a request on, in any language's stead.
package httpauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// Verifier judges a credential. [*apikey.Verifier] is one.
//
// Its errors are apikey's: whatever matches [apikey.ErrRejected] is a rejection, unless it also matches
// [apikey.ErrUnavailable] or [apikey.ErrOverloaded]; anything else is taken for a failure of the system
// and answered with 503. It is called concurrently, and bounds
// the length of what it takes by itself.
type Verifier interface {
	Verify(ctx context.Context, credential string) (*apikey.Key, error)
}

// Options are the choices of [Middleware]. The zero value, and nil, are good ones.
type Options struct {
	// Realm names the protected space in challenges (RFC 9110, section 11.5); "": none, but for Basic,
	// which can't be without: "api".
	Realm string
	// Basic also takes a key from Basic credentials (RFC 7617), as the password or, if that is
	// empty or nothing that has the form of a credential, as the user name. A user name beside such a
	// password is not looked at, unless both have the form of a key: those are two. Challenges
	// offer Basic, so browsers will ask for it.
	Basic bool
	// Anonymous lets requests through that present nothing at all: no Authorization and no X-API-Key. Their
	// context gets no key. A credential that is no good is still refused.
	Anonymous bool
	// RemoveCredential takes the header with the credential out of the request that goes on, so that
	// handlers can't log it or pass it to somebody else. The header map that came in is left as it is.
	RemoveCredential bool
	// RetryAfter is what a 503 tells the client to wait, rounded up to whole seconds; 0: 1 second.
	// Middleware panics if it is negative.
	RetryAfter time.Duration
	// OnResult is told of every decision, before the answer is written: for logs, metrics and traces. It
	// is called by the goroutine that serves the request, and gets no secret. nil: nobody is told.
	OnResult func(context.Context, Result)
}

// guard is an Options that was checked, with what follows from it.
type guard struct {
	verifier Verifier
	lenient  bool // the Verifier does not look at every byte by itself
	options  Options
	answers  answers
}

// newGuard panics on what can't be meant: it runs where routes are set up, and a server that
// would refuse everybody, or nobody, must not start.
func newGuard(v Verifier, opts *Options) *guard {
	if isNil(v) {
		panic("httpauth: no Verifier")
	}
	g := &guard{verifier: v}
	_, own := v.(*apikey.Verifier)
	g.lenient = !own
	if opts != nil {
		g.options = *opts
	}
	if g.options.RetryAfter < 0 {
		panic("httpauth: a negative RetryAfter")
	}
	g.answers = newAnswers(&g.options, http.StatusBadRequest)
	return g
}

// isNil also knows the Verifier that a program has when it did not look at the error of NewVerifier.
func isNil(v Verifier) bool {
	own, is := v.(*apikey.Verifier)
	return v == nil || is && own == nil
}

// Middleware returns what wraps a handler so that it is called for authenticated requests only,
// with the key in the request's context: see [apikey.FromContext]. Safe for concurrent use.
//
// What the handler answers gets "Vary: Authorization, X-API-Key". After X-API-Key it also gets
// "Cache-Control: private", unless there is another, or the handler sets one: that a request with Authorization
// has an answer which is nobody else's is known to caches (RFC 9111, section 3.5). Handlers add to Vary,
// and do not set it. A credential that was rotated away and lives in its grace gets Deprecation (RFC 9745) and
// Sunset (RFC 8594).
func Middleware(v Verifier, opts *Options) func(http.Handler) http.Handler {
	g := newGuard(v, opts)
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("httpauth: no handler")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key, source, err := g.authenticate(r)
			header := w.Header()
			vary(header)
			switch {
			case err == nil:
				g.report(r.Context(), key, source, nil, 0)
				if source == APIKeyHeader {
					private(header)
				}
				deprecate(header, key)
				next.ServeHTTP(w, g.withKey(r, key, source))
			case g.letsThrough(r, source, err):
				g.report(r.Context(), nil, none, nil, 0)
				next.ServeHTTP(w, r.WithContext(g.context(r.Context())))
			default:
				a := g.answers.to(err)
				g.report(r.Context(), nil, source, err, a.status)
				a.write(w)
			}
		})
	}
}

// authenticate finds the credential and has it judged. It never returns neither a key nor an error.
func (g *guard) authenticate(r *http.Request) (*apikey.Key, Source, error) {
	credential, source, err := g.find(r.Header)
	if err != nil {
		return nil, source, err
	}
	if source == Basic {
		key, err := g.verifyBasic(r.Context(), credential)
		return key, source, err
	}
	key, err := g.verify(r.Context(), credential)
	return key, source, err
}

func (g *guard) verify(ctx context.Context, credential string) (*apikey.Key, error) {
	key, err := g.verifier.Verify(ctx, credential)
	if err == nil && key == nil {
		err = fmt.Errorf("%w: the Verifier returned no key and no error", apikey.ErrUnavailable)
	}
	return key, err
}

// letsThrough: what has an Authorization of a scheme that isn't ours is not anonymous.
func (g *guard) letsThrough(r *http.Request, source Source, err error) bool {
	return g.options.Anonymous && source == none && errors.Is(err, ErrNoCredential) && len(r.Header["Authorization"]) == 0
}

// withKey returns the request as it goes on.
func (g *guard) withKey(r *http.Request, key *apikey.Key, source Source) *http.Request {
	on := r.WithContext(apikey.NewContext(g.context(r.Context()), key))
	if g.options.RemoveCredential {
		on.Header = r.Header.Clone()
		delete(on.Header, source.header())
	}
	return on
}

type guardKey struct{}

// context tells RequireScopes, further in, of this guard, where it would answer otherwise
// without: if this one's answers are not the plain ones, or if it stands inside of another.
func (g *guard) context(ctx context.Context) context.Context {
	plain := g.options.OnResult == nil && g.options.Realm == "" && !g.options.Basic
	if plain && ctx.Value(guardKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, guardKey{}, g)
}

// vary tells caches what an answer depends on.
func vary(h http.Header) { h["Vary"] = append(h["Vary"], "Authorization, X-API-Key") }

func private(h http.Header) {
	if _, is := h["Cache-Control"]; !is {
		h["Cache-Control"] = []string{"private"}
	}
}
