package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	authorize := func(*http.Request) (httpapi.Caller, error) { return httpapi.Caller{}, nil }
	for what, c := range map[string]struct {
		opts  *httpapi.Options
		field string
	}{
		"nil":                    {nil, "Tokens"},
		"zero":                   {&httpapi.Options{}, "Tokens"},
		"both":                   {&httpapi.Options{Tokens: []string{token}, Authorize: authorize}, "Tokens"},
		"an empty token":         {&httpapi.Options{Tokens: []string{token, ""}}, "Tokens"},
		"a token with a space":   {&httpapi.Options{Tokens: []string{"two words 0123456789 abcd"}}, "Tokens"},
		"a token of two lines":   {&httpapi.Options{Tokens: []string{token + "\n"}}, "Tokens"},
		"a short token":          {&httpapi.Options{Tokens: []string{token, strings.Repeat("t", 19)}}, "Tokens"},
		"the shortest token":     {&httpapi.Options{Tokens: []string{strings.Repeat("t", 20)}}, ""},
		"a long token":           {&httpapi.Options{Tokens: []string{strings.Repeat("t", 4097)}}, "Tokens"},
		"the longest token":      {&httpapi.Options{Tokens: []string{strings.Repeat("t", 4096)}}, ""},
		"a status":               {&httpapi.Options{Tokens: []string{token}, CreateStatus: 204}, "CreateStatus"},
		"tokens":                 {&httpapi.Options{Tokens: []string{token, "another_0123456789_ab"}}, ""},
		"a caller's own":         {&httpapi.Options{Authorize: authorize}, ""},
		"another create status":  {&httpapi.Options{Tokens: []string{token}, CreateStatus: 200}, ""},
		"the usual status, said": {&httpapi.Options{Tokens: []string{token}, CreateStatus: 201}, ""},
	} {
		h, err := httpapi.New(keys.Issuer, keys.Verifier, c.opts)
		var invalid *apikey.ValidationError
		if c.field == "" {
			if err != nil || h == nil {
				t.Errorf("%s: %v", what, err)
			}
		} else if !errors.As(err, &invalid) || invalid.Field != c.field || h != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := &httpapi.Options{Tokens: []string{token}}
	for what, f := range map[string]func() (http.Handler, error){
		"no Issuer":   func() (http.Handler, error) { return httpapi.New(nil, keys.Verifier, good) },
		"no Verifier": func() (http.Handler, error) { return httpapi.New(keys.Issuer, nil, good) },
	} {
		if h, err := f(); err == nil || h != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What is changed in Options afterwards changes nothing.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	opts := &httpapi.Options{}
	a := newAPI(t, opts, nil)
	opts.Tokens[0] = "another"
	opts.CreateStatus = http.StatusOK
	a.created(t, "deploy")
}
