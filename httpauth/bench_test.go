package httpauth_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// discard is a ResponseWriter that costs nothing, so that what is measured is what is before it.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

type plainKey struct{}

// plain is the least that a middleware which hands something on can do.
func plain(next http.Handler) http.Handler {
	value := new(int)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), plainKey{}, value)))
	})
}

// contenders returns what is compared: the whole middleware, Verify alone, and plain.
func contenders(tb testing.TB, opts *httpauth.Options) (whole, verify, bare func(http.ResponseWriter)) {
	keys := apikeytest.New(tb, nil)
	_, text := keys.Create(tb, apikey.CreateParams{ExpiresIn: time.Hour})
	r, err := http.NewRequestWithContext(tb.Context(), "GET", "/", nil)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + text}, "Accept": {"*/*"}, "User-Agent": {"benchmark"}}
	served := 0
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })
	guarded, bareNext := httpauth.Middleware(keys.Verifier, opts)(next), plain(next)
	guarded.ServeHTTP(&discard{http.Header{}}, r)
	if served != 1 {
		tb.Fatal("the key was refused")
	}
	return func(w http.ResponseWriter) { guarded.ServeHTTP(w, r) },
		func(http.ResponseWriter) { keys.Verifier.Verify(r.Context(), text) },
		func(w http.ResponseWriter) { bareNext.ServeHTTP(w, r) }
}

// BenchmarkMiddleware measures in turns, in one run: the middleware, a Verify, and a middleware
// that only puts a value into the context. own/plain is what the middleware takes beyond the Verify,
// by the time of the last, and own-allocs/op its allocations, which are none of Verify's.
func BenchmarkMiddleware(b *testing.B) {
	for name, opts := range map[string]*httpauth.Options{
		"default":          nil,
		"OnResult":         {OnResult: func(context.Context, httpauth.Result) {}},
		"RemoveCredential": {RemoveCredential: true},
	} {
		b.Run(name, func(b *testing.B) {
			whole, verify, bare := contenders(b, opts)
			// Each call finds an empty header, as in a server; that it is emptied is not measured.
			var writers [64]discard
			for i := range writers {
				writers[i].header = make(http.Header, 8)
			}
			var spent [3]time.Duration
			calls := 0
			for b.Loop() {
				for i, f := range []func(http.ResponseWriter){whole, verify, bare} {
					start := time.Now()
					for j := range writers {
						f(&writers[j])
					}
					spent[i] += time.Since(start)
					for j := range writers {
						clear(writers[j].header)
					}
				}
				calls += len(writers)
			}
			b.ReportMetric(float64(spent[0]-spent[1])/float64(spent[2]), "own/plain")
			for i, name := range []string{"ns/middleware", "ns/Verify", "ns/plain"} {
				b.ReportMetric(float64(spent[i])/float64(calls), name)
			}
			w := &discard{make(http.Header, 8)}
			b.ReportMetric(testing.AllocsPerRun(100, func() { clear(w.header); whole(w) }), "own-allocs/op")
			b.ReportMetric(0, "ns/op") // of 64 calls of all three: says nothing
		})
	}
}
