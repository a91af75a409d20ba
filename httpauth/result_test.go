package httpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

type traceKey struct{}

// Each decision is told once, with its reason, the id where it is known, and no secret.
func TestOnResult(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	var told []httpauth.Result
	o := httpauth.Options{Anonymous: true, OnResult: func(ctx context.Context, r httpauth.Result) {
		if ctx.Value(traceKey{}) != "trace" {
			t.Error("not the request's context")
		}
		told = append(told, r)
	}}
	h := httpauth.Middleware(v, &o)(httpauth.RequireScopes("read")(whoami))
	narrow := httpauth.Middleware(v, &o)(httpauth.RequireScopes("admin")(whoami))
	forward := httpauth.Forward(v, &httpauth.ForwardOptions{Options: o})
	scoped := httpauth.Forward(v, &httpauth.ForwardOptions{Options: o, Scopes: func(*http.Request) []string { return []string{"admin"} }})

	ask := func(of string, headers ...string) {
		r := request(t, headers...)
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, "trace"))
		switch of {
		case "narrow":
			serve(narrow, r)
		case "forward":
			serve(forward, r)
		case "scoped":
			serve(scoped, r)
		default:
			serve(h, r)
		}
	}
	want := func(what string, results ...string) {
		t.Helper()
		var got []string
		for _, r := range told {
			got = append(got, fmt.Sprintf("%s %s %d %v", r.Reason(), r.Source, r.Status, r.KeyID != ""))
			for _, b := range append(bad, refusal{text: good}) {
				secret := b.text[25:58] // behind prefix and id
				for i := range len(secret) - 8 {
					if strings.Contains(fmt.Sprintf("%+v %#v", r, r), secret[i:i+8]) {
						t.Errorf("%s: %+v holds a secret", what, r)
					}
				}
			}
		}
		if strings.Join(got, "; ") != strings.Join(results, "; ") {
			t.Errorf("%s: %q, want %q", what, got, results)
		}
		told = nil
	}

	ask("", "X-API-Key", good)
	want("accepted", "accepted x-api-key 0 true")
	ask("")
	want("anonymous", "accepted  0 false", "no_credential  401 false")
	ask("", "X-API-Key", good, "X-API-Key", good)
	want("two", "several_credentials  400 false")
	ask("narrow", "Authorization", "Bearer "+good)
	want("scope", "accepted bearer 0 true", "insufficient_scope  403 true")
	ask("forward", "Authorization", "Bearer "+good)
	want("forward", "accepted bearer 204 true")
	ask("scoped", "Authorization", "Bearer "+good)
	want("forward, scope", "insufficient_scope bearer 403 true")
	ask("", "X-API-Key", strings.Repeat("x", 5000))
	want("too long", "malformed x-api-key 401 false")
	ask("forward", "Authorization", "Bearer "+good, "X-API-Key", good)
	want("forward, two", "several_credentials  401 false")

	words := map[error]string{apikey.ErrMalformed: "malformed", apikey.ErrUnknown: "unknown", apikey.ErrRevoked: "revoked", apikey.ErrExpired: "expired", apikey.ErrDenied: "denied"}
	for _, b := range bad {
		ask("", "Authorization", "Bearer "+b.text)
		if len(told) == 1 && told[0].KeyID != b.keyID {
			t.Errorf("%s: told of %q, not of %q", b.what, told[0].KeyID, b.keyID)
		}
		want(b.what, fmt.Sprintf("%s bearer 401 %v", words[b.reason], b.keyID != ""))
	}
}

// Labels of a metric are from a fixed set, whatever a Verifier says.
func TestReason(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		nil: "accepted",
		fmt.Errorf("x: %w", apikey.ErrOverloaded):                    "overloaded",
		apikey.ErrUnavailable:                                        "unavailable",
		context.Canceled:                                             "unavailable",
		fmt.Errorf("x: %w", apikey.ErrRejected):                      "denied",
		&apikey.RejectedError{KeyID: "ak_1", Err: apikey.ErrExpired}: "expired",
	} {
		if got := (httpauth.Result{Err: err}).Reason(); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
