package httpauth

import (
	"net/http"

	"github.com/seed-d3a9fb6b/apikey"
)

// RequireScopes returns what wraps a handler so that it is called only if the key in the
// request's context has every one of the scopes: put it inside of [Middleware]. Otherwise the answer
// is 403 insufficient_scope, which names the scopes; without a key in the context, 401. It
// panics if a scope is none (RFC 6749, section 3.3): such a route could never be called.
// Safe for concurrent use.
func RequireScopes(scopes ...string) func(http.Handler) http.Handler {
	needed := append([]string(nil), scopes...)
	if !areScopes(needed) {
		panic("httpauth: not a scope-token of RFC 6749")
	}
	plain := newAnswers(new(Options), http.StatusBadRequest)
	return func(next http.Handler) http.Handler {
		if next == nil {
			panic("httpauth: no handler")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key, _ := apikey.FromContext(r.Context())
			err := holds(key, needed)
			if err == nil {
				next.ServeHTTP(w, r)
				return
			}
			g, heard := r.Context().Value(guardKey{}).(*guard)
			answers := &plain
			if heard {
				answers = &g.answers
			}
			a := answers.missing
			if key != nil {
				a = answers.insufficient(needed)
			}
			if heard {
				g.report(r.Context(), key, none, err, a.status)
			}
			a.write(w)
		})
	}
}

// holds reports what keeps a key from a route.
func holds(key *apikey.Key, scopes []string) error {
	if key == nil {
		return ErrNoCredential
	}
	for _, s := range scopes {
		if !key.HasScope(s) {
			return ErrInsufficientScope
		}
	}
	return nil
}

func areScopes(scopes []string) bool {
	for _, s := range scopes {
		if s == "" {
			return false
		}
		for _, c := range []byte(s) {
			if c <= ' ' || c == '"' || c == '\\' || c > '~' {
				return false
			}
		}
	}
	return true
}
