package sts_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// A list that is signed by the service, and is not one that this program knows the whole meaning of, is none: what it
// does not know may be another way to die.
func TestForgedLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{Keyring: keyring(t, 1)})
		forger := f.forger(t, issuer, sts.EdDSA, keyring(t, 1))
		key, text := f.Create(t, apikey.CreateParams{})
		_, rid, err := apikey.ParseKeyID(key.ID())
		if err != nil {
			t.Fatal(err)
		}
		id := rid.String()
		token := f.exchange(t, text, sts.ExchangeParams{})
		now := time.Now()
		list := func(changes ...string) string {
			header := forger.header("typ", `"keyrevocations+jwt"`)
			return forger.token(t, header, members([]string{"iss", quote(issuer), "iat", fmt.Sprint(now.Unix()), "exp", fmt.Sprint(now.Unix() + 60),
				"as_of", fmt.Sprint(now.UnixMilli()), "by", `"x"`, "revoked", `[]`, "cut", `{}`}, changes...))
		}
		for what, row := range map[string]struct {
			list string
			want error // nil: alive
		}{
			"control":                    {list(), nil},
			"revoked":                    {list("revoked", `["`+id+`"]`), apikey.ErrRevoked},
			"another is":                 {list("revoked", `["00000000000000000000000000000000"]`), nil},
			"cut by number":              {list("cut", `{"`+id+`":{"number":2,"epoch":0}}`), apikey.ErrUnknown},
			"cut by epoch":               {list("cut", `{"`+id+`":{"number":1,"epoch":1}}`), apikey.ErrRevoked},
			"cut below it":               {list("cut", `{"`+id+`":{"number":1,"epoch":0}}`), nil},
			"signed for another purpose": {forger.token(t, forger.header(), `{}`), apikey.ErrUnavailable},
			"another issuer":             {list("iss", quote(issuer+"/")), apikey.ErrUnavailable},
			"a member more":              {list("subjects", `["x"]`), apikey.ErrUnavailable},
			"no iss":                     {list("iss", ""), apikey.ErrUnavailable},
			"no iat":                     {list("iat", ""), apikey.ErrUnavailable},
			"no exp":                     {list("exp", ""), apikey.ErrUnavailable},
			"no as_of":                   {list("as_of", ""), apikey.ErrUnavailable},
			"no by":                      {list("by", ""), apikey.ErrUnavailable},
			"no revoked":                 {list("revoked", ""), apikey.ErrUnavailable},
			"no cut":                     {list("cut", ""), apikey.ErrUnavailable},
			"revoked null":               {list("revoked", "null"), apikey.ErrUnavailable},
			"cut null":                   {list("cut", "null"), apikey.ErrUnavailable},
			"revoked an object":          {list("revoked", "{}"), apikey.ErrUnavailable},
			"a key's whole id":           {list("revoked", quoted(key.ID())), apikey.ErrUnavailable},
			"an id in capitals":          {list("revoked", quoted("0000000000000000000000000000000A")), apikey.ErrUnavailable},
			"an id of a cut":             {list("cut", `{"x":{"number":1,"epoch":0}}`), apikey.ErrUnavailable},
			"more in a cut":              {list("cut", `{"`+id+`":{"number":1,"epoch":0,"until":1}}`), apikey.ErrUnavailable},
			"a negative number":          {list("cut", `{"`+id+`":{"number":-1,"epoch":0}}`), apikey.ErrUnavailable},
			"expired":                    {list("iat", fmt.Sprint(now.Unix()-60), "exp", fmt.Sprint(now.Unix())), apikey.ErrUnavailable},
			"ends before it begins":      {list("iat", fmt.Sprint(now.Unix()+61)), apikey.ErrUnavailable},
			"from the future":            {list("as_of", fmt.Sprint(now.Add(61*time.Second).UnixMilli())), apikey.ErrUnavailable},
			"of a clock a bit ahead":     {list("as_of", fmt.Sprint(now.Add(59*time.Second).UnixMilli())), nil},
		} {
			elsewhere, wire := f.remote(t, sts.VerifierOptions{})
			wire.set(instead(f.handler, "/oauth/revocations", row.list))
			if row.want == nil {
				wantAlive(t, what, elsewhere, token)
			} else {
				wantDead(t, what, elsewhere, token, row.want)
			}
			elsewhere.Close()
		}
	})
}

func quoted(id string) string { return "[" + quote(id) + "]" }

// A list is used for as long as it was made for, even where the clock is behind the service's.
func TestListLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{Keyring: keyring(t, 1), TTL: 15 * time.Minute})
		forger := f.forger(t, issuer, sts.EdDSA, keyring(t, 1))
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		ahead := time.Now().Add(30 * time.Second)
		list := forger.token(t, forger.header("typ", `"keyrevocations+jwt"`), members([]string{"iss", quote(issuer), "iat", fmt.Sprint(ahead.Unix()),
			"exp", fmt.Sprint(ahead.Unix() + 60), "as_of", fmt.Sprint(ahead.UnixMilli()), "by", `"x"`, "revoked", `[]`, "cut", `{}`}))
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(instead(f.handler, "/oauth/revocations", list))
		start := time.Now()
		wantAlive(t, "at first", elsewhere, token)
		wire.set(cutOff)
		time.Sleep(59 * time.Second)
		wantAlive(t, "for its life", elsewhere, token)
		time.Sleep(time.Until(start.Add(time.Minute)))
		wantDead(t, "after it", elsewhere, token, apikey.ErrUnavailable)
	})
}

// Of a set of keys those that are for this are used, and others are passed over; one in which a kid is twice is refused.
func TestPublishedSets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{Keyring: keyring(t, 1)})
		ours := f.forger(t, issuer, sts.EdDSA, keyring(t, 1))
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		good := ours.jwk()
		edited := func(edit func(*jose.JSONWebKey)) jose.JSONWebKey {
			key := good
			edit(&key)
			return key
		}
		set := func(keys ...any) string {
			data, err := json.Marshal(map[string]any{"keys": keys})
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
		other, elliptic := stranger(t, sts.EdDSA, "other").jwk(), stranger(t, sts.ES256, ours.kid).jwk()
		for what, row := range map[string]struct {
			set  string
			want error
		}{
			"control":             {set(good), nil},
			"without alg and use": {set(edited(func(k *jose.JSONWebKey) { k.Algorithm, k.Use = "", "" })), nil},
			"beside others":       {set(other, map[string]string{"kty": "RSA"}, map[string]string{"kty": "x"}, "x", 1, nil, good), nil},
			"of another kty":      {set(elliptic, good), nil},
			"of another kty only": {set(elliptic), apikey.ErrUnavailable},
			"for encryption":      {set(edited(func(k *jose.JSONWebKey) { k.Use = "enc" })), apikey.ErrUnavailable},
			"for another alg":     {set(edited(func(k *jose.JSONWebKey) { k.Algorithm = "EdDSA2" })), apikey.ErrUnavailable},
			"without kid":         {set(edited(func(k *jose.JSONWebKey) { k.KeyID = "" })), apikey.ErrUnavailable},
			"a private one":       {set(edited(func(k *jose.JSONWebKey) { k.Key = ours.private })), apikey.ErrUnavailable},
			"a kid twice":         {set(good, edited(func(k *jose.JSONWebKey) { k.Key = other.Key })), apikey.ErrUnavailable},
			"another kid":         {set(edited(func(k *jose.JSONWebKey) { k.KeyID = "x" })), apikey.ErrUnknown},
			"another key":         {set(edited(func(k *jose.JSONWebKey) { k.Key = other.Key })), apikey.ErrUnknown},
			"too long":            {set(good) + strings.Repeat(" ", 1<<20), apikey.ErrUnavailable},
			"none":                {set(), apikey.ErrUnavailable},
			"no set":              {"[]", apikey.ErrUnavailable},
			"nothing":             {"", apikey.ErrUnavailable},
		} {
			elsewhere, wire := f.remote(t, sts.VerifierOptions{})
			wire.set(instead(f.handler, "/.well-known/jwks.json", row.set))
			if row.want == nil {
				wantAlive(t, what, elsewhere, token)
			} else {
				wantDead(t, what, elsewhere, token, row.want)
			}
			elsewhere.Close()
		}
	})
}

// A redirect is not followed: it would be whoever answers who says where the keys are.
func TestRedirects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		elsewhere, wire := f.remote(t, sts.VerifierOptions{})
		wire.set(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "auth.example.com" {
				t.Errorf("it went to %s", r.URL)
				return answer(f.handler, r), nil
			}
			w := httptest.NewRecorder()
			w.Header().Set("Location", "https://evil.example.com"+r.URL.Path)
			w.WriteHeader(http.StatusFound)
			return w.Result(), nil
		})
		wantDead(t, "redirected", elsewhere, token, apikey.ErrUnavailable)
	})
}
