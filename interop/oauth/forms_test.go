package oauth_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

const (
	accessToken = "urn:ietf:params:oauth:token-type:access_token"
	jwtType     = "urn:ietf:params:oauth:token-type:jwt"
)

// with returns a form with other values.
func with(values url.Values, pairs ...string) url.Values {
	changed := maps.Clone(values)
	for i := 0; i < len(pairs); i += 2 {
		changed[pairs[i]] = []string{pairs[i+1]}
	}
	return changed
}

// tokenExchange is RFC 8693 by hand: the key is the subject_token, and there is no client.
func tokenExchange(t *testing.T, s *service) {
	k, dead := s.create(t, "exchanged"), s.create(t, "exchanged and dead")
	s.revoke(t, dead)
	good := url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {k.Secret}, "subject_token_type": {accessToken},
	}
	for name, c := range map[string]struct {
		form         url.Values
		issued, said string
	}{
		"plain":    {good, accessToken, "read write"},
		"JWT":      {with(good, "requested_token_type", jwtType), jwtType, "read write"},
		"scope":    {with(good, "scope", "write"), accessToken, "write"},
		"audience": {with(good, "audience", api), accessToken, "read write"},
		"resource": {with(good, "resource", api), accessToken, "read write"}, // RFC 8707
		"named":    {with(good, "client_id", k.ID), accessToken, "read write"},
	} {
		o := form(t, s.metadata.Token, nil, c.form).object(t, http.StatusOK)
		token, _ := o["access_token"].(string)
		seconds, _ := o["expires_in"].(float64)
		if o["issued_token_type"] != c.issued || o["token_type"] != "Bearer" || o["scope"] != c.said || seconds < 240 || seconds > 300 || len(o) != 5 {
			t.Errorf("%s: %v", name, o)
		}
		if a := get(t, s.resource+"/whoami", token); a.status != http.StatusOK {
			t.Errorf("%s: the token gets %d: %s", name, a.status, a.body)
		}
	}
	for name, c := range map[string]struct {
		form   url.Values
		client *key
		code   string
	}{
		"no subject":         {with(good, "subject_token", ""), nil, "invalid_request"},
		"no kind":            {with(good, "subject_token_type", ""), nil, "invalid_request"},
		"JWT for a subject":  {with(good, "subject_token_type", jwtType), nil, "invalid_request"},
		"wrong key":          {with(good, "subject_token", "ak_garbage"), nil, "invalid_request"},
		"revoked key":        {with(good, "subject_token", dead.Secret), nil, "invalid_request"},
		"token for a token":  {with(good, "subject_token", s.token(t, k, api)), nil, "invalid_request"},
		"actor":              {with(good, "actor_token", k.Secret, "actor_token_type", accessToken), nil, "invalid_request"},
		"client as well":     {good, &k, "invalid_request"},
		"SAML":               {with(good, "requested_token_type", "urn:ietf:params:oauth:token-type:saml2"), nil, "invalid_request"},
		"scope":              {with(good, "scope", "admin"), nil, "invalid_scope"},
		"audience of nobody": {with(good, "audience", "https://nobody.example.com"), nil, "invalid_target"},
		"another grant":      {with(good, "grant_type", "password"), nil, "unsupported_grant_type"},
	} {
		t.Run(name, func(t *testing.T) {
			form(t, s.metadata.Token, c.client, c.form).wantError(t, http.StatusBadRequest, c.code)
		})
	}
}

// introspection is RFC 7662 by hand, for keys and tokens. What is no good is all the same.
func introspection(t *testing.T, s *service) {
	k := s.create(t, "introspected")
	token, foreign := s.token(t, k, api), s.token(t, k, other)
	ask := func(bearer, text string) answer {
		return send(t, request(t, "POST", s.metadata.Introspect, bearer, "application/x-www-form-urlencoded", url.Values{"token": {text}}.Encode()))
	}
	key := []string{"active", "client_id", "iat", "iss", "plan", "scope", "sub", "token_type"}
	all := slices.Sorted(slices.Values(append([]string{"aud", "exp", "jti"}, key...)))
	for text, names := range map[string][]string{token: all, foreign: all, k.Secret: key} {
		o := ask(s.Token, text).object(t, http.StatusOK)
		if got := slices.Sorted(maps.Keys(o)); !slices.Equal(got, names) {
			t.Errorf("%v, want %v", got, names)
		}
		if o["active"] != true || o["client_id"] != k.ID || o["sub"] != user || o["scope"] != "read write" || o["token_type"] != "Bearer" ||
			o["iss"] != s.metadata.Issuer || o["plan"] != "pro" {
			t.Errorf("%v", o)
		}
	}
	inactive := func(text string) {
		t.Helper()
		if o := ask(s.Token, text).object(t, http.StatusOK); len(o) != 1 || o["active"] != false {
			t.Errorf("%v, want that it is not active and no more", o)
		}
	}
	for _, bad := range tampered(t, token) {
		inactive(bad)
	}
	inactive("garbage")
	for _, caller := range []string{"", "another-token-of-nobody", k.Secret, token} {
		ask(caller, token).wantError(t, http.StatusUnauthorized, "invalid_client")
	}
	s.revoke(t, k)
	for _, text := range []string{token, foreign, k.Secret} {
		inactive(text)
	}
}

// revocation is RFC 7009 by hand: whoever has a key can end it, and what he has of it only.
func revocation(t *testing.T, s *service) {
	end := func(client *key, text string) answer {
		return form(t, s.metadata.Revoke, client, url.Values{"token": {text}})
	}
	for name, c := range map[string]struct{ named, twice bool }{"by nobody": {}, "by its client": {named: true}, "twice": {twice: true}} {
		t.Run(name, func(t *testing.T) {
			k := s.create(t, "revoked "+name)
			token := s.token(t, k, api)
			if a := get(t, s.URL+"/whoami", token); a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.body)
			}
			var client *key
			if c.named {
				client = &k
			}
			end(client, k.Secret).object(t, http.StatusOK)
			if c.twice {
				end(client, k.Secret).object(t, http.StatusOK)
			}
			form(t, s.metadata.Token, &k, url.Values{"grant_type": {"client_credentials"}}).wantError(t, http.StatusUnauthorized, "invalid_client")
			for _, dead := range []string{token, k.Secret} {
				if a := get(t, s.URL+"/whoami", dead); a.status != http.StatusUnauthorized {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	k, another := s.create(t, "not revoked"), s.create(t, "another's")
	token := s.token(t, k, api)
	end(nil, "garbage").object(t, http.StatusOK) // as good as revoked: section 2.2
	end(nil, "").wantError(t, http.StatusBadRequest, "invalid_request")
	end(nil, token).wantError(t, http.StatusBadRequest, "unsupported_token_type")
	end(&another, k.Secret).wantError(t, http.StatusBadRequest, "unauthorized_client")
	end(&key{k.ID, another.Secret}, k.Secret).wantError(t, http.StatusUnauthorized, "invalid_client")
	for _, live := range []string{token, k.Secret} {
		if a := get(t, s.URL+"/whoami", live); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
