package sts_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// wire carries requests to a handler, and can be cut. It is no network, so that time in a test can be that of synctest.
type wire struct {
	mu      sync.Mutex
	handler http.Handler
	how     func(*http.Request) (*http.Response, error) // nil: to the handler
	asked   map[string]int                              // by path
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	if w.asked == nil {
		w.asked = map[string]int{}
	}
	w.asked[r.URL.Path]++
	how, handler := w.how, w.handler
	w.mu.Unlock()
	if how != nil {
		return how(r)
	}
	return answer(handler, r), nil
}

func answer(handler http.Handler, r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func (w *wire) set(how func(*http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.how = how
}

// answerFrom has another service answer.
func (w *wire) answerFrom(handler http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handler = handler
}

func (w *wire) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[path]
}

var errCut = errors.New("the wire is cut")

func cutOff(*http.Request) (*http.Response, error) { return nil, errCut }

// swallow never answers.
func swallow(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// instead answers other bytes at a path.
func instead(handler http.Handler, path, body string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != path {
			return answer(handler, r), nil
		}
		w := httptest.NewRecorder()
		w.WriteString(body)
		return w.Result(), nil
	}
}

// remote returns a Verifier in another process, as far as it can tell.
func (f *fixture) remote(t testing.TB, opts sts.VerifierOptions) (*sts.Verifier, *wire) {
	t.Helper()
	w := &wire{handler: f.handler}
	opts.Client = &http.Client{Transport: w}
	opts.Logger = quiet
	v, err := sts.NewVerifier(issuer, audience, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, w
}

type verifier interface {
	Verify(context.Context, string) (*apikey.Key, error)
}

func wantAlive(t testing.TB, what string, v verifier, token string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// wantDead also looks that a refusal says nothing of the token but the id of its key.
func wantDead(t testing.TB, what string, v verifier, token string, want error) {
	t.Helper()
	key, err := v.Verify(t.Context(), token)
	if !errors.Is(err, want) || key != nil {
		t.Errorf("%s: %v, %v; want %v", what, key, err, want)
	}
	if errors.Is(err, apikey.ErrRejected) == errors.Is(err, apikey.ErrUnavailable) {
		t.Errorf("%s: %v is a rejection and a failure, or neither", what, err)
	}
	if err != nil {
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v holds a part of the token", what, err)
			}
		}
	}
}

// refusedAfter asks until a token is refused, and returns how long that took.
func refusedAfter(t testing.TB, v verifier, token string) (time.Duration, error) {
	t.Helper()
	start := time.Now()
	for time.Since(start) < time.Hour {
		if _, err := v.Verify(t.Context(), token); err != nil {
			return time.Since(start), err
		}
		time.Sleep(10 * time.Millisecond) // of synctest
	}
	t.Fatal("it is accepted for ever")
	return 0, nil
}
