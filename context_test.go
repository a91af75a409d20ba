package apikey_test

import (
	"context"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

func TestContext(t *testing.T) {
	t.Parallel()
	one, two := apikey.NewKey(goldenRecord()), apikey.NewKey(goldenRecord())
	plain := t.Context()
	outer := apikey.NewContext(plain, one)
	derived, cancel := context.WithCancel(outer)
	defer cancel()
	for what, c := range map[string]struct {
		ctx  context.Context
		want *apikey.Key
	}{
		"none":          {plain, nil},
		"a key":         {outer, one},
		"derived":       {derived, one},
		"another key":   {apikey.NewContext(outer, two), two},
		"the outer one": {outer, one},
		"a nil key":     {apikey.NewContext(outer, nil), nil}, // which authenticates nobody
	} {
		if got, ok := apikey.FromContext(c.ctx); got != c.want || ok != (c.want != nil) {
			t.Errorf("%s: %p, %v; want %p", what, got, ok, c.want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a context of nothing was taken")
		}
	}()
	var none context.Context
	apikey.NewContext(none, one)
}
