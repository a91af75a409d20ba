package sts_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

var profile = []string{"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope", "key_number", "key_epoch"}

// The key's own claims are in the token under their own names, with their number texts.
func TestExchangeOwnClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	v := f.verifier(t)
	for claims, want := range map[string]string{
		`{"org":"o_1","n":1.0e2,"big":12345678901234567890,"deep":{"a":[1,{"b":null}]},"t":true,"z":null}`: `{"org":"o_1","n":1.0e2,"big":12345678901234567890,"deep":{"a":[1,{"b":null}]},"t":true,"z":null}`,
		`{"z":1,"a":2}`:             `{"z":1,"a":2}`,
		`{"n":-0,"m":0.10,"e":1E5}`: `{"n":-0,"m":0.10,"e":1E5}`,
		`{"html":"<b>&\u003c"}`:     `{"html":"<b>&\u003c"}`,
		`{"<&>":1}`:                 `{"<&>":1}`,
		`{"":1}`:                    `{"":1}`,
		`{"é":"\u00e9😀"}`:           `{"é":"\u00e9😀"}`,
		`{}`:                        "", "": "", "[1,2]": "", `"text"`: "", "7": "", "true": "", `[{"sub":"x"}]`: "",
	} {
		_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(claims), Scopes: []string{"read"}})
		token := f.exchange(t, text, sts.ExchangeParams{})
		key, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Errorf("%s: %v", claims, err)
			continue
		}
		if got := string(key.Claims()); got != want {
			t.Errorf("%s: the verified key has %s", claims, got)
		}
		payload := string(decodePart(t, token, 1))
		if want != "" && want != "{}" && !strings.HasSuffix(payload, ","+want[1:]) {
			t.Errorf("%s: %s", claims, payload)
		}
		if names := slices.Sorted(maps.Keys(payloadOf(t, token))); want == "" && !slices.Equal(names, slices.Sorted(slices.Values(profile))) {
			t.Errorf("%s: the token has %q", claims, names)
		}
	}
}

// Whatever a key's claims say under a name that is the service's, in whatever case, is left out.
func TestExchangeReservedClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	v := f.verifier(t)
	for _, name := range []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "key_number", "key_epoch", "cnf", "act", "may_act", "azp", "acr", "amr", "auth_time", "nonce", "status", "active", "token_type"} {
		if !slices.Contains(sts.Reserved(), name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range sts.Reserved() {
		spellings := []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:], strings.ReplaceAll(name, "s", "ſ"), strings.ReplaceAll(name, "k", "\u212a"), strings.ToUpper(strings.ReplaceAll(name, "s", "ſ"))}
		for _, spelling := range spellings {
			for _, value := range []string{`"evil"`, "4102444800", `["evil"]`, "null"} {
				claims := fmt.Sprintf(`{"before":1,%s:%s,"after":2}`, quote(spelling), value)
				key, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(claims), Scopes: []string{"read"}})
				token := f.exchange(t, text, sts.ExchangeParams{})
				got, err := v.Verify(t.Context(), token)
				if err != nil {
					t.Errorf("%s: %v", claims, err)
					continue
				}
				if got.ID() != key.ID() || got.Subject() != "user_test" || !slices.Equal(got.Scopes(), []string{"read"}) || string(got.Claims()) != `{"before":1,"after":2}` {
					t.Errorf("%s: %v %s %q %s", claims, got.ID(), got.Subject(), got.Scopes(), got.Claims())
				}
				names := slices.Sorted(maps.Keys(payloadOf(t, token)))
				if want := slices.Sorted(slices.Values(append([]string{"before", "after"}, profile...))); !slices.Equal(names, want) {
					t.Errorf("%s: the token has %q", claims, names)
				}
				if strings.Contains(string(decodePart(t, token, 1)), "evil") {
					t.Errorf("%s: %s", claims, decodePart(t, token, 1))
				}
			}
		}
	}
	// Names that only begin or end alike are the key's own.
	for _, name := range []string{"subject", "su", "iss2", "scopess", "x-exp", "exp ", "\u0455ub"} {
		_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(`{` + quote(name) + `:1}`)})
		if key, err := v.Verify(t.Context(), f.exchange(t, text, sts.ExchangeParams{})); err != nil || string(key.Claims()) != `{`+quote(name)+`:1}` {
			t.Errorf("%q: %v, %v", name, key, err)
		}
	}
}

// Claims of which readers would make different things are in no token.
func TestExchangeAmbiguousClaims(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	for _, claims := range []string{`{"a":1,"a":1}`, `{"a":1,"A":2}`, `{"a":1,"\u0061":2}`, `{"k":1,"\u212a":2}`, `{"ſ":1,"s":2}`, `{"sub":1,"ſub":2}`, `{"\ud800":1}`} {
		_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(claims)})
		if token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); token != nil || !errors.Is(err, sts.ErrClaims) || errors.Is(err, apikey.ErrRejected) {
			t.Errorf("%s: %v, %v; want ErrClaims", claims, token, err)
		}
	}
	_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(`{"a":1,"b":2}`)})
	f.exchange(t, text, sts.ExchangeParams{})
}

// What a Verifier would not take for its length is not made.
func TestExchangeTooLarge(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	var scopes []string
	for i := range 100 {
		scopes = append(scopes, fmt.Sprintf("scope:%03d:%s", i, strings.Repeat("x", 30)))
	}
	_, text := f.Create(t, apikey.CreateParams{Scopes: scopes})
	if token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); token != nil || !errors.Is(err, sts.ErrTooLarge) || errors.Is(err, apikey.ErrRejected) {
		t.Errorf("%v, %v; want ErrTooLarge", token, err)
	}
	v, longest := f.verifier(t), 0
	for n := range 101 { // all that is made can be used
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Scopes: scopes[:n]})
		if errors.Is(err, sts.ErrTooLarge) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		longest = len(token.Reveal())
		if key, err := v.Verify(t.Context(), token.Reveal()); err != nil || len(key.Scopes()) != n {
			t.Errorf("%d scopes: %v", n, err)
		}
	}
	if longest < 4000 || longest > 4096 {
		t.Errorf("the longest token has %d bytes", longest)
	}
	for pad := 2400; pad < 2700; pad++ {
		_, text := f.Create(t, apikey.CreateParams{Claims: json.RawMessage(`{"pad":"` + strings.Repeat("x", pad) + `"}`)})
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
		if err != nil {
			if !errors.Is(err, sts.ErrTooLarge) {
				t.Error(err)
			}
			break
		}
		if longest = len(token.Reveal()); longest > 4096 {
			t.Fatalf("a token of %d bytes", longest)
		}
	}
	if longest != 4096 {
		t.Errorf("the longest token with claims has %d bytes", longest)
	}
}
