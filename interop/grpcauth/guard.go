package grpcauth

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/seed-d3a9fb6b/apikey"
)

// guard decides about calls.
type guard struct {
	verifier Verifier
	scopes   map[string][]string // by method
}

// newGuard panics without a Verifier: a server that would refuse everybody must not start.
func newGuard(v Verifier, opts []Option) *guard {
	if v == nil {
		panic("grpcauth: no Verifier")
	}
	g := &guard{v, map[string][]string{}}
	for _, o := range opts {
		o(g)
	}
	return g
}

// RequireScopes asks for every one of the scopes in calls of a method, given by its full name,
// "/package.Service/Method": use the constant that is generated for it. It panics if the name
// has another form: such a method is never called, and the one that was meant would be open.
func RequireScopes(method string, scopes ...string) Option {
	if parts := strings.Split(method, "/"); len(parts) != 3 || parts[0] != "" || parts[1] == "" || parts[2] == "" {
		panic(fmt.Sprintf("grpcauth: %q is not the full name of a method", method))
	}
	return func(g *guard) { g.scopes[method] = append(g.scopes[method], scopes...) }
}

// admit returns the context for the handler, with the key and without the credential. An error
// is a status.
func (g *guard) admit(ctx context.Context, method string) (context.Context, *apikey.Key, error) {
	sent, _ := metadata.FromIncomingContext(ctx) // a copy
	credential, err := find(sent)
	if err != nil {
		return nil, nil, err
	}
	key, err := g.verifier.Verify(ctx, credential)
	if err != nil || key == nil { // neither would be a yes to nobody
		return nil, nil, refusal(ctx, err)
	}
	if !g.permits(key, method) {
		return nil, nil, errScope
	}
	for _, name := range []string{authorization, named, gateway + authorization} {
		sent.Delete(name)
	}
	return apikey.NewContext(metadata.NewIncomingContext(ctx, sent), key), key, nil
}

// again judges a key that was admitted before. A secret that was rotated away must not live on
// in the streams that it began, so its number is looked for, too.
func (g *guard) again(ctx context.Context, admitted *apikey.Key, method string) error {
	key, err := g.verifier.Lookup(ctx, admitted.ID())
	if err != nil || key == nil {
		return refusal(ctx, err)
	}
	if number := admitted.Number(); number != 0 && !alive(key, number) {
		return errInvalid
	}
	if !g.permits(key, method) {
		return errScope
	}
	return nil
}

func alive(key *apikey.Key, number uint16) bool {
	return slices.ContainsFunc(key.Credentials(), func(c apikey.Credential) bool { return c.Number == number })
}

func (g *guard) permits(key *apikey.Key, method string) bool {
	for _, scope := range g.scopes[method] {
		if !key.HasScope(scope) {
			return false
		}
	}
	return true
}
