package sts_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// seeds are tokens that are good, and some that are almost.
func (s *scene) seeds(t testing.TB) (issued map[string]bool, all []string) {
	token := s.exchange(t, s.text, sts.ExchangeParams{})
	issued = map[string]bool{token: true}
	p := strings.Split(token, ".")
	all = append(all, token, token+".", "."+token, token+"=", p[0]+"."+p[1]+".", p[0]+".."+p[2], p[0]+"."+p[1], strings.Join(p, ""), "", ".", "..", "...", s.text, "a.b.c", strings.Repeat("a", 4097),
		s.token(t, s.header("alg", `"none"`), s.claims()), s.token(t, s.header("crit", `["b64"]`, "b64", "false"), s.claims()), s.token(t, s.header("typ", `"JWT"`), s.claims()), s.token(t, s.header("kid", `"x"`), s.claims()),
		s.token(t, s.header(), "{}"), s.token(t, "{}", "{}"), s.get("/oauth/revocations").Body.String(), `{"payload":"`+p[1]+`","protected":"`+p[0]+`","signature":"`+p[2]+`"}`)
	return issued, all
}

// Nothing panics, and nothing is accepted but what was issued, as it was written.
func FuzzVerifyToken(f *testing.F) {
	s := newScene(f, sts.EdDSA)
	issued, all := s.seeds(f)
	for _, seed := range all {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range s.doors() {
			key, err := d.Verify(t.Context(), text)
			switch {
			case errors.Is(err, apikey.ErrExpired): // the fuzzing outlasts its seeds
			case err == nil && (!issued[text] || key == nil):
				t.Errorf("%s: accepted %q", d.name, text)
			case err != nil && (key != nil || issued[text] || !errors.Is(err, apikey.ErrRejected) || errors.Is(err, apikey.ErrUnavailable)):
				t.Errorf("%s: %q: %v", d.name, text, err)
			}
			if err != nil {
				if part := shared(err.Error(), text); part != "" && !issued[text] && !strings.Contains("apikey: malformed key apikey: unknown key apikey: expired key", part) {
					t.Errorf("%s: %v has %q of what was presented", d.name, err, part)
				}
			}
		}
	})
}

// What is taken is one JSON object, of the same members as encoding/json finds, each of them once.
func FuzzParseObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":1,"A":1}`, `{"k":1,"K":2}`, `{"a":{"b":[1,2.0e5,"x"]},"c":null}`, `{"a":1}{}`, `[]`, `null`, `{"\ud800":1}`, `{"\ud83d\ude00":"\u0000"}`, "{\"a\":\"\xff\"}", ` { "a" : 1 } `, `{"a":`,
		`{"alg":"EdDSA","kid":"x","typ":"at+jwt"}`, `{"exp":1,"EXP":2}`, `{"ſub":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		names, values, ok := sts.ParseObject(data)
		var want map[string]json.RawMessage
		err := json.Unmarshal(data, &want)
		if !ok {
			return
		}
		if err != nil || want == nil || !utf8.Valid(data) || len(want) != len(names) {
			t.Fatalf("%q was taken: %v, %d members of %d", data, err, len(names), len(want))
		}
		for i, name := range names {
			if string(want[name]) != values[i] || !json.Valid([]byte(values[i])) {
				t.Errorf("%q: %q is %q, and to encoding/json %q", data, name, values[i], want[name])
			}
			if slices.ContainsFunc(names[:i], func(other string) bool { return strings.EqualFold(other, name) }) {
				t.Errorf("%q: %q is there twice", data, name)
			}
		}
	})
}

var tokenErrors = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target"}

// Whatever is sent, the answer is an object: a token if the credential is one, else an error of RFC 6749 (or 8707), and
// nothing that was sent is in it.
func FuzzTokenEndpoint(f *testing.F) {
	s := newScene(f, sts.EdDSA)
	otherAudience, err := s.service.Verifier(issuer)
	if err != nil {
		f.Fatal(err)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.key.ID()+":"+s.text))
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {s.key.ID()}, "client_secret": {s.text}}.Encode()
	exchange := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {s.text}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}}.Encode()
	for _, seed := range [][2]string{
		{good, ""}, {"grant_type=client_credentials", basic}, {good, basic}, {exchange, ""}, {exchange, basic}, {exchange + "&scope=read&resource=" + url.QueryEscape(audience), ""}, {good + "&scope=read+write", ""}, {good + "&scope=nothing", ""},
		{good + "&scope=read&scope=read", ""}, {good + "&audience=x", ""}, {"", ""}, {"%", "Basic"}, {"a=b;c=d", "Basic !"}, {"grant_type=password", "Bearer " + s.text}, {"grant_type=client_credentials", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:b:c%"))},
		{"grant_type=client_credentials&client_assertion=x", ""}, {exchange + "&actor_token=x", ""}, {exchange + "&requested_token_type=urn:ietf:params:oauth:token-type:jwt", ""}, {strings.Repeat("a=b&", 20_000), ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequest("POST", "/oauth/token", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := s.serve(r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s: %v", w.Code, w.Header(), w.Body, err)
		}
		code, _ := answer["error"].(string)
		switch {
		case w.Code == http.StatusOK:
			token, _ := answer["access_token"].(string)
			_, err := s.local.Verify(t.Context(), token)
			if _, other := otherAudience.Verify(t.Context(), token); err != nil && other != nil {
				t.Errorf("%s: %v, and for the other audience %v", w.Body, err, other)
			}
			decoded, _ := url.QueryUnescape(body)
			userinfo, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(authorization[min(len(authorization), 6):]))
			user, _ := url.QueryUnescape(string(userinfo))
			if !strings.Contains(decoded, s.text) && !strings.Contains(user, s.text) {
				t.Errorf("a token without the key: %q %q", body, authorization)
			}
		case w.Code != http.StatusBadRequest && w.Code != http.StatusUnauthorized, !slices.Contains(tokenErrors, code), answer["access_token"] != nil:
			t.Errorf("%d %s", w.Code, w.Body)
		case w.Code == http.StatusUnauthorized && (code != "invalid_client" || w.Header().Get("WWW-Authenticate") == ""):
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		if find(w.Body.String(), keyPieces(s.text)) != "" || find(w.Header().Get("WWW-Authenticate"), keyPieces(s.text)) != "" {
			t.Errorf("an answer has a part of the key: %s", w.Body)
		}
	})
}

// Introspection says that it is not active, or all that there is to say; and to those who may not ask, nothing.
func FuzzIntrospect(f *testing.F) {
	s := newScene(f, sts.EdDSA)
	issued, all := s.seeds(f)
	for _, seed := range all {
		f.Add("token="+url.QueryEscape(seed), "Bearer "+admin)
	}
	token := all[0]
	f.Add("token="+token, "Bearer "+token)
	f.Add("token="+token, "Bearer "+s.text)
	f.Add("token="+token, "")
	f.Add("token="+token, "Basic "+base64.StdEncoding.EncodeToString([]byte(admin+":")))
	f.Add("token="+token+"&token="+token, "bearer "+admin)
	f.Add("token="+token+"&token_type_hint=access_token", "Bearer "+admin)
	f.Add("", "Bearer "+admin)
	f.Fuzz(func(t *testing.T, body, authorization string) {
		r := httptest.NewRequest("POST", "/oauth/introspect", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", authorization)
		w := s.serve(r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s: %v", w.Code, w.Header(), w.Body, err)
		}
		is := len(authorization) > 7 && strings.EqualFold(authorization[:7], "bearer ") && authorization[7:] == admin
		values, _ := url.ParseQuery(body)
		presented := strings.Join(values["token"], "")
		switch {
		case w.Code == http.StatusUnauthorized && answer["error"] == "invalid_client":
			if is {
				t.Errorf("%q is refused", authorization)
			}
		case !is:
			t.Errorf("%q: %d %s", authorization, w.Code, w.Body)
		case w.Code == http.StatusBadRequest && answer["error"] == "invalid_request":
		case w.Code != http.StatusOK:
			t.Errorf("%d %s", w.Code, w.Body)
		case answer["active"] == true && (!issued[presented] && presented != s.text || answer["client_id"] != s.key.ID()):
			t.Errorf("%q is active: %s", presented, w.Body)
		case answer["active"] != true && (answer["active"] != false || len(answer) != 1 || presented == s.text):
			t.Errorf("%q: %s", presented, w.Body)
		}
		if find(w.Body.String(), keyPieces(s.text)) != "" || find(w.Body.String(), tokenPieces(token)) != "" {
			t.Errorf("an answer has a part of a credential: %s", w.Body)
		}
	})
}
