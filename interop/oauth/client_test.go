package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// config is that of a client whose secret is a key.
func config(s *service, k key, style oauth2.AuthStyle, audience string, scopes ...string) *clientcredentials.Config {
	c := &clientcredentials.Config{ClientID: k.ID, ClientSecret: k.Secret, TokenURL: s.metadata.Token, Scopes: scopes, AuthStyle: style}
	if audience != "" {
		c.EndpointParams = url.Values{"audience": {audience}}
	}
	return c
}

var styles = map[string]oauth2.AuthStyle{
	"detected": oauth2.AuthStyleAutoDetect, "in the header": oauth2.AuthStyleInHeader, "in the form": oauth2.AuthStyleInParams,
}

// client: the client gets its token by itself, and calls both processes with it.
func client(t *testing.T, s *service) {
	for name, style := range styles {
		t.Run(name, func(t *testing.T) {
			k := s.create(t, name)
			for _, c := range []struct {
				scopes []string
				want   string
			}{{nil, "read write"}, {[]string{"read"}, "read"}, {[]string{"write", "read"}, "write read"}} {
				source := config(s, k, style, api, c.scopes...)
				from := time.Now()
				token, err := source.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if token.Type() != "Bearer" || token.Extra("scope") != c.want || token.RefreshToken != "" || !token.Valid() {
					t.Errorf("a token of the type %q for %q", token.Type(), token.Extra("scope"))
				}
				if lives := token.Expiry.Sub(from); lives < 4*time.Minute || lives > 5*time.Minute+time.Second {
					t.Errorf("it lives for %v", lives)
				}
				calls := source.Client(t.Context())
				for url, want := range map[string]int{
					s.resource + "/whoami": http.StatusOK, s.URL + "/whoami": http.StatusOK, s.resource + "/report": http.StatusForbidden,
				} {
					response, err := calls.Get(url)
					if err != nil {
						t.Fatal(err)
					}
					if a := read(t, response); a.status != want {
						t.Errorf("%s answers %d, want %d: %s", url, a.status, want, a.body)
					} else if want == http.StatusOK {
						if o := a.object(t, want); o["id"] != k.ID || o["subject"] != user {
							t.Errorf("%v", o)
						}
					}
				}
			}
		})
	}
	// What it sends must be what it got: a token that was changed, or is for somebody else, is refused.
	k := s.create(t, "changed")
	token := s.token(t, k, api)
	refused := tampered(t, token)
	refused["audience"] = s.token(t, k, other)
	for name, bad := range refused {
		if a := get(t, s.resource+"/whoami", bad); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := get(t, s.resource+"/whoami", token); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// clientRefused: the client's own errors say what is wrong.
func clientRefused(t *testing.T, s *service) {
	k, another, dead := s.create(t, "refused"), s.create(t, "another"), s.create(t, "dead")
	if token := s.token(t, dead, api); token == "" {
		t.Fatal("no token while it is alive")
	}
	s.revoke(t, dead)
	wrong := k
	wrong.Secret = k.Secret[:len(k.Secret)-1] + "!"
	for name, style := range styles {
		for _, c := range []struct {
			name     string
			k        key
			audience string
			scopes   []string
			status   int
			code     string
		}{
			{"wrong secret", wrong, api, nil, 401, "invalid_client"},
			{"secret of another key", key{k.ID, another.Secret}, api, nil, 401, "invalid_client"},
			{"no secret", key{ID: k.ID}, api, nil, 401, "invalid_client"},
			{"revoked", dead, api, nil, 401, "invalid_client"},
			{"scope that the key lacks", k, api, []string{"read", "admin"}, 400, "invalid_scope"},
			{"audience of nobody", k, "https://nobody.example.com", nil, 400, "invalid_target"},
		} {
			_, err := config(s, c.k, style, c.audience, c.scopes...).Token(t.Context())
			var answer *oauth2.RetrieveError
			if !errors.As(err, &answer) {
				t.Errorf("%s, %s: %T %v, want %s", c.name, name, err, err, c.code)
			} else if answer.ErrorCode != c.code || answer.Response.StatusCode != c.status || answer.ErrorDescription == "" {
				t.Errorf("%s, %s: %v, want %d %s", c.name, name, err, c.status, c.code)
			}
		}
		if _, err := config(s, k, style, api, "read").Token(t.Context()); err != nil {
			t.Errorf("%s: what is asked rightly: %v", name, err)
		}
	}
}
