// Package clerk_test holds a running examples/server against the real client of Clerk for Go.
package clerk_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/clerk/clerk-sdk-go/v2"
	clerkkeys "github.com/clerk/clerk-sdk-go/v2/apikey"

	"github.com/seed-d3a9fb6b/apikey/interop/serverproc"
)

// Owners of keys, one a test.
const (
	ada   = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"
	grace = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dl"
	alan  = "user_2xhFjEI5X2qWRvtV13BzSj8H6Dm"
	acme  = "org_2xhFjEI5X2qWRvtV13BzSj8H6Dk"
	robot = "mch_2xhFjEI5X2qWRvtV13BzSj8H6Dl"
	wrong = "user_short"
)

// TestClient plays everything that the client can do, against both of the paths that clients use.
func TestClient(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/v1"} {
		t.Run(path+"/api_keys", func(t *testing.T) {
			t.Parallel()
			server := serverproc.Start(t)
			for name, test := range map[string]func(*testing.T, *clerkkeys.Client){
				"life": life, "list": list, "expiry": expiry, "errors": refusals,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, connect(server.URL+path, server.Token))
				})
			}
			t.Run("wrong token", func(t *testing.T) {
				t.Parallel()
				wrongToken(t, connect(server.URL+path, server.Token+"x"))
			})
		})
	}
}

func connect(url, token string) *clerkkeys.Client {
	return clerkkeys.NewClient(&clerk.ClientConfig{BackendConfig: clerk.BackendConfig{URL: &url, Key: &token}})
}

// wantError fails the test unless err is an answer of ours with this status and code.
func wantError(t *testing.T, err error, status int, code string) {
	t.Helper()
	var answer *clerk.APIErrorResponse
	if !errors.As(err, &answer) {
		t.Fatalf("%T %v, want %d %s", err, err, status, code)
	}
	if answer.HTTPStatusCode != status || len(answer.Errors) != 1 || answer.Errors[0].Code != code ||
		answer.Errors[0].Message == "" || answer.Errors[0].LongMessage == "" {
		t.Errorf("%v, want %d %s", err, status, code)
	}
}

// wantKey compares every field, but for the response it was read from.
func wantKey(t *testing.T, got *clerk.APIKey, want clerk.APIKey) {
	t.Helper()
	have := *got
	have.Response = nil
	if !reflect.DeepEqual(have, want) {
		a, errA := json.Marshal(have)
		b, errB := json.Marshal(want)
		t.Errorf("%s, want %s (%v, %v)", a, b, errA, errB)
	}
}

// create makes a key.
func create(t *testing.T, client *clerkkeys.Client, p clerkkeys.CreateParams) *clerk.APIKeyWithSecret {
	t.Helper()
	key, err := client.Create(t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
