package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// Each call to the store fails in its turn, before it was done and after. Every request that it belongs to
// is answered with 503, and all others as ever.
func TestEveryStoreCallFailing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		failures := 0
		for n := 1; ; n++ {
			fault := &storetest.Fault{Call: n, After: after, Err: errors.New("canary")}
			a := newAPI(t, nil, &apikeytest.Options{Store: fault.Wrap(memstore.New()), Issuer: apikey.IssuerOptions{UniqueNames: true}})
			id, secret := unknown, "none"
			for _, step := range []struct{ method, target, body string }{
				{"POST", "/api_keys", `{"name":"deploy","subject":"` + subject + `"}`},
				{"POST", "/api_keys/verify", `{"secret":"SECRET"}`},
				{"GET", "/api_keys/ID", ""},
				{"GET", "/api_keys?subject=" + subject, ""},
				{"PATCH", "/api_keys/ID", `{"description":"x"}`},
				{"POST", "/api_keys/ID/rotate", ""},
				{"GET", "/api_keys/ID/secret", ""},
				{"POST", "/api_keys/ID/revoke", ""},
				{"DELETE", "/api_keys/ID", ""},
			} {
				fill := strings.NewReplacer("ID", id, "SECRET", secret)
				w := a.call(t, step.method, fill.Replace(step.target), fill.Replace(step.body))
				wantReply(t, w, w.Code)
				switch {
				case w.Code == http.StatusServiceUnavailable:
					failures++
					wantError(t, w, "service_unavailable", "")
				case w.Code >= 500:
					t.Errorf("call %d: %s %s: %d %s", n, step.method, step.target, w.Code, w.Body)
				}
				if strings.Contains(w.Body.String(), "canary") {
					t.Errorf("%s", w.Body)
				}
				if step.target == "/api_keys" && w.Code == http.StatusServiceUnavailable {
					w = a.call(t, step.method, step.target, step.body) // as a client does: its name is not taken
				}
				if step.target == "/api_keys" {
					id, secret = made(t, w)
				}
			}
			if fault.Calls() < n {
				break
			}
			if n > 100 {
				t.Fatal("it does not end")
			}
		}
		if failures < 10 {
			t.Errorf("%d failures", failures)
		}
	}
}

// What a store fails with may wrap anything. It stays a failure: the key was not found to be missing, and the store's
// words are for the log.
func TestFaultsThatWrap(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{apikey.ErrNotFound, apikey.ErrRevokedKey, &apikey.ValidationError{Field: "Name", Reason: "canary"}, &httpapi.Error{Status: 404, Message: "canary"}} {
		var log bytes.Buffer
		store := &failing{Store: memstore.New()}
		a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, &apikeytest.Options{Store: store})
		id, secret := a.created(t, "deploy")
		store.err = fmt.Errorf("the canary: %w", cause)
		w := a.call(t, "POST", "/api_keys/"+id+"/revoke", "")
		wantReply(t, w, 503)
		wantError(t, w, "service_unavailable", "")
		if strings.Contains(w.Body.String(), "canary") || !strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "operation=revokeApiKey") {
			t.Errorf("%s; log: %s", w.Body, &log)
		}
		store.err = nil
		a.ok(t, 200, "POST", "/api_keys/verify", `{"secret":"`+secret+`"}`)
	}
}

// failing is a store that takes no changes.
type failing struct {
	apikey.Store
	err error
}

func (f *failing) Replace(ctx context.Context, r *apikey.Record) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Replace(ctx, r)
}

// Why the embedding server's own function failed is for the log alone; what the method was called is for nobody.
func TestLogOfRefusals(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Authorize: func(*http.Request) (httpapi.Caller, error) {
		return httpapi.Caller{}, fmt.Errorf("the session store: %w", context.Canceled)
	}}, nil)
	for _, method := range []string{"GET", "ak_a_secret_in_the_wrong_place"} {
		wantReply(t, a.call(t, method, "/api_keys", ""), 503)
	}
	b := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	wantReply(t, b.send(t.Context(), "GET", "/api_keys", nil, "Authorization", "Bearer ak_a_secret_of_somebody"), 401)
	if !strings.Contains(log.String(), `level=INFO msg="httpapi: a caller was refused" operation=getApiKeys remote=192.0.2.1:1234`) {
		t.Errorf("%s", &log)
	}
	if !strings.Contains(log.String(), "the session store") || strings.Contains(log.String(), "ak_a_secret") {
		t.Errorf("%s", &log)
	}
}

// A request whose client has gone gets an answer that nobody reads, and is not logged as a failure.
func TestEndedContext(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := a.send(ctx, "POST", "/api_keys", strings.NewReader(with("name", `"deploy"`)), "Authorization", "Bearer "+token)
	wantReply(t, w, 503)
	if log.Len() > 0 {
		t.Errorf("%s", &log)
	}
}

// A panic is answered in the same form, and what it holds is not logged: it may be a request.
func TestPanics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var value any
	a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Quota: func(context.Context, string) error { panic(value) }}, nil)
	for _, c := range []struct {
		value any
		told  string
	}{
		{"a canary", "panic=string"}, {fmt.Errorf("a canary"), "panic=*errors.errorString"}, {outOfRange(nil), "index out of range"},
	} {
		value = c.value
		log.Reset()
		w := a.call(t, "POST", "/api_keys", with("name", `"deploy"`))
		wantReply(t, w, 500)
		wantError(t, w, "internal_error", "")
		if !strings.Contains(log.String(), c.told) || !strings.Contains(log.String(), "faults_test.go") || strings.Contains(log.String(), "a canary") {
			t.Errorf("%v: %s", c.value, &log)
		}
	}
	value = http.ErrAbortHandler
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("%v", p)
		}
	}()
	a.call(t, "POST", "/api_keys", with("name", `"deploy"`))
}

// outOfRange returns what the runtime panics with.
func outOfRange(list []int) (p any) {
	defer func() { p = recover() }()
	return list[len(list)]
}

// What WriteError fills in.
func TestWriteError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e      httpapi.Error
		status int
		code   string
		wait   string
	}{
		{httpapi.Error{}, 500, "internal_error", ""},
		{httpapi.Error{Status: 200}, 500, "internal_error", ""},
		{httpapi.Error{Status: 429}, 429, "too_many_requests", "1"},
		{httpapi.Error{Status: 429, RetryAfter: time.Nanosecond}, 429, "too_many_requests", "1"},
		{httpapi.Error{Status: 503, RetryAfter: time.Minute + time.Nanosecond}, 503, "service_unavailable", "61"},
		{httpapi.Error{Status: 402, Code: "pay", Message: "Pay."}, 402, "pay", ""},
		{httpapi.Error{Status: 418}, 418, "i'm_a_teapot", ""},
		{httpapi.Error{Status: 403, RetryAfter: time.Second}, 403, "feature_not_enabled", "1"},
	} {
		w := httptest.NewRecorder()
		httpapi.WriteError(w, &c.e)
		wantReply(t, w, c.status)
		wantError(t, w, c.code, "")
		if got := w.Header().Get("Retry-After"); got != c.wait {
			t.Errorf("%+v: Retry-After %q", c.e, got)
		}
	}
}
