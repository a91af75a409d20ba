package grpcauth_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/interop/grpcauth"
)

// A method asks for all of its scopes, and for no other's.
func TestRequireScopes(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	s := start(t, keys, nil, grpcauth.RequireScopes(checkMethod, "read"), grpcauth.RequireScopes(checkMethod, "admin"),
		grpcauth.RequireScopes(echoMethod, "talk"))
	for _, c := range []struct {
		scopes      []string
		unary, echo codes.Code
	}{
		{nil, codes.PermissionDenied, codes.PermissionDenied},
		{[]string{"read"}, codes.PermissionDenied, codes.PermissionDenied},
		{[]string{"admin", "talk"}, codes.PermissionDenied, codes.OK},
		{[]string{"admin", "read"}, codes.OK, codes.PermissionDenied},
		{[]string{"ADMIN", "read", "Talk"}, codes.PermissionDenied, codes.PermissionDenied},
		{[]string{"admin", "read", "talk", "more"}, codes.OK, codes.OK},
	} {
		_, text := keys.Create(t, apikey.CreateParams{Scopes: c.scopes})
		ctx := sending(t, "authorization", "Bearer "+text)
		if err := s.check(ctx); status.Code(err) != c.unary {
			t.Errorf("%q: %v", c.scopes, err)
		}
		if err := roundTrip(t, s.echo(t, ctx)); status.Code(err) != c.echo {
			t.Errorf("%q, stream: %v", c.scopes, err)
		}
	}
}

// A name that is no method's would leave open the method that was meant.
func TestRequireScopesOfNoMethod(t *testing.T) {
	t.Parallel()
	for name, panics := range map[string]bool{
		"/test.Talk/Echo": false, "": true, "/": true, "//": true, "Echo": true, "test.Talk/Echo": true,
		"/test.Talk": true, "/test.Talk/": true, "//Echo": true, "/test.Talk/Echo/": true, "/a/test.Talk/Echo": true,
	} {
		func() {
			defer func() {
				if p := recover(); (p != nil) != panics {
					t.Errorf("%q: %v", name, p)
				}
			}()
			grpcauth.RequireScopes(name, "admin")
		}()
	}
}
