package sts

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

// Where the endpoints are, below the issuer.
const (
	tokenPath       = "/oauth/token"
	introspectPath  = "/oauth/introspect"
	revokePath      = "/oauth/revoke"
	revocationsPath = "/oauth/revocations"
	jwksPath        = "/.well-known/jwks.json"
	metadataPath    = "/.well-known/oauth-authorization-server" // before the issuer's path: RFC 8414, section 3
)

// Options are the choices of [Handler]. The zero value, and nil, serve tokens, keys and the list of the dead.
type Options struct {
	// Tokens may introspect everything, sent as "Authorization: Bearer". What is kept of them in memory is a hash. Make
	// them of 32 random bytes; each has 20 characters at least.
	Tokens []string
	// Authorize says what a request may be told by introspection (RFC 7662, section 2.1). It must not read the
	// body. An error that matches apikey.ErrUnavailable, apikey.ErrOverloaded or a context's error is answered
	// with 503, any other with 401. Tokens or Authorize, not both; with neither nobody can introspect.
	Authorize func(*http.Request) (Caller, error)
	// Issuer lets whoever has a key revoke it (RFC 7009); nil: there is no such endpoint.
	Issuer *apikey.Issuer
	// Realm names the protected space in challenges of Basic; "": the service's issuer.
	Realm string
	// Logger is told, at Warn, of what failed; nil: [slog.Default].
	Logger *slog.Logger
}

// Caller says what somebody may be told by introspection. For whatever else it asks, that is inactive. The zero Caller is
// told nothing.
type Caller struct {
	All       bool
	Audiences []string // tokens for these
	Subjects  []string // keys and tokens of these
}

func (c *Caller) may(subject, audience string) bool {
	return c.All || slices.Contains(c.Subjects, subject) || audience != "" && slices.Contains(c.Audiences, audience)
}

// handler serves the endpoints.
type handler struct {
	service  *Service
	options  Options
	realm    string
	any      *Verifier // of tokens for each of the service's audiences
	routes   map[string]route
	metadata []byte
}

// route is one path.
type route struct {
	method string // GET is HEAD, too
	serve  func(w http.ResponseWriter, r *http.Request) error
}

func (r route) allow() string {
	if r.method == http.MethodGet {
		return "GET, HEAD"
	}
	return r.method
}

// Handler returns the endpoints of a service, at their paths below the issuer (see [Service.Paths]):
//
//	POST /oauth/token                              client_credentials (RFC 6749) and token exchange (RFC 8693)
//	POST /oauth/introspect                         RFC 7662, for keys and tokens
//	POST /oauth/revoke                             RFC 7009, of a key by whoever has it
//	GET  /oauth/revocations                        what died lately, signed: see the package
//	GET  /.well-known/jwks.json                    the signing keys (RFC 7517)
//	GET  /.well-known/oauth-authorization-server   RFC 8414
//
// Parameters are read from the body and never from the URL, which ends in logs. Who guesses is not slowed
// down here: a guess costs no argon2. It is safe for concurrent use. A wrong option is an [*apikey.ValidationError].
func Handler(s *Service, opts *Options) (http.Handler, error) {
	if s == nil {
		return nil, invalid("service", "required")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Authorize != nil && len(o.Tokens) > 0 {
		return nil, invalid("Tokens", "Authorize is set, too")
	}
	if len(o.Tokens) > 0 {
		set, ok := bearer.NewTokens(o.Tokens)
		if !ok {
			return nil, invalid("Tokens", "one is not of 20 to 4096 characters, or no b64token (RFC 6750)")
		}
		o.Tokens, o.Authorize = nil, func(r *http.Request) (Caller, error) {
			if !set.Presented(r) {
				return Caller{}, errCaller
			}
			return Caller{All: true}, nil
		}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Realm == "" {
		o.Realm = s.issuer
	}
	if strings.ContainsFunc(o.Realm, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, invalid("Realm", "not printable ASCII")
	}
	h := &handler{service: s, options: o, any: s.verifierFor(func(a string) bool { return slices.Contains(s.options.Audiences, a) })}
	h.realm = strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.Realm)
	below := s.below()
	h.routes = map[string]route{
		below + tokenPath:    {http.MethodPost, h.token},
		below + jwksPath:     {http.MethodGet, h.jwks},
		metadataPath + below: {http.MethodGet, h.serveMetadata},
	}
	if s.revoked != nil {
		h.routes[below+revocationsPath] = route{http.MethodGet, h.revocations}
	}
	if o.Authorize != nil {
		h.routes[below+introspectPath] = route{http.MethodPost, h.introspect}
	}
	if o.Issuer != nil {
		h.routes[below+revokePath] = route{http.MethodPost, h.revoke}
	}
	h.metadata = h.describe()
	return h, nil
}

// Paths returns those that [Handler] answers, as they are written in a URL: for routers.
func (s *Service) Paths() []string {
	below := s.below()
	return []string{
		below + tokenPath, below + introspectPath, below + revokePath, below + revocationsPath, below + jwksPath, metadataPath + below,
	}
}

// below is the path of the issuer.
func (s *Service) below() string {
	u, _ := url.Parse(s.issuer) // which was checked
	return u.EscapedPath()
}

// ServeHTTP answers one request. Paths are compared as they were written: nothing is taken for another.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, is := h.routes[r.URL.EscapedPath()]
	if !is {
		h.fail(w, r, &oauthError{status: http.StatusNotFound, Code: "invalid_request", Description: "There is nothing at this path."})
		return
	}
	if r.Method != route.method && !(r.Method == http.MethodHead && route.method == http.MethodGet) {
		h.fail(w, r, &oauthError{status: http.StatusMethodNotAllowed, Code: "invalid_request", Description: "The method is not the one of this path.", allow: route.allow()})
		return
	}
	if err := route.serve(w, r); err != nil {
		h.fail(w, r, err)
	}
}
