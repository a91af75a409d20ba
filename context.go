package apikey

import "context"

type contextKey struct{}

// keyContext is context.WithValue for one key, in half the memory: every request gets one.
type keyContext struct {
	context.Context
	key *Key
}

func (c *keyContext) Value(name any) any {
	if _, is := name.(contextKey); is {
		return c.key
	}
	return c.Context.Value(name)
}

// NewContext returns a context that carries the key of an authenticated request. It panics if ctx
// is nil, as those of package context do.
func NewContext(ctx context.Context, key *Key) context.Context {
	if ctx == nil {
		panic("apikey: no context to put a key into")
	}
	return &keyContext{ctx, key}
}

// FromContext returns the key that [NewContext] put into ctx; false: there is none.
func FromContext(ctx context.Context) (*Key, bool) {
	key, ok := ctx.Value(contextKey{}).(*Key)
	return key, ok && key != nil
}
