package apikey

import "context"

type contextKey struct{}

// NewContext returns a context that carries the key of an authenticated request.
func NewContext(ctx context.Context, key *Key) context.Context {
	return context.WithValue(ctx, contextKey{}, key)
}

// FromContext returns the key that [NewContext] put into ctx; false: there is none.
func FromContext(ctx context.Context) (*Key, bool) {
	key, ok := ctx.Value(contextKey{}).(*Key)
	return key, ok && key != nil
}
