package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{}, nil)
	id, _ := a.created(t, "deploy")
	for what, headers := range map[string][]string{
		"nothing":                {},
		"an empty header":        {"Authorization", ""},
		"the scheme":             {"Authorization", "Bearer"},
		"an empty token":         {"Authorization", "Bearer "},
		"the wrong token":        {"Authorization", "Bearer " + token + "x"},
		"its beginning":          {"Authorization", "Bearer " + token[:len(token)-1]},
		"in capitals":            {"Authorization", "Bearer " + strings.ToUpper(token)},
		"another scheme":         {"Authorization", "Basic " + token},
		"no scheme":              {"Authorization", token},
		"twice":                  {"Authorization", "Bearer " + token, "Authorization", "Bearer " + token},
		"a list":                 {"Authorization", "Bearer " + token + ", Bearer " + token},
		"two spaces":             {"Authorization", "Bearer  " + token},
		"another header":         {"X-Api-Key", token},
		"a kelvin sign for a k":  {"Authorization", "Bearer " + strings.ReplaceAll(token, "k", "\u212a")},
		"longer than any header": {"Authorization", "Bearer " + strings.Repeat("x", 1<<20)},
	} {
		for _, target := range []string{"/api_keys/" + id, "/api_keys/nonsense", "/nowhere", "/"} {
			w := a.send(t.Context(), "GET", target, nil, headers...)
			wantReply(t, w, http.StatusUnauthorized)
			wantError(t, w, "clerk_key_invalid", "")
			if got := w.Header().Get("WWW-Authenticate"); got != "Bearer" {
				t.Errorf("%s: challenge %q", what, got)
			}
		}
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER "} {
		if w := a.send(t.Context(), "GET", "/v1/api_keys/"+id, nil, "Authorization", scheme+token); w.Code != http.StatusOK {
			t.Errorf("%q: %d", scheme, w.Code)
		}
	}
}

func TestSeveralTokens(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	h, err := httpapi.New(a.Issuer, a.Verifier, &httpapi.Options{Tokens: []string{"first_0123456789_abcd", "second_0123456789_abcd", "third_0123456789_abcd"}})
	if err != nil {
		t.Fatal(err)
	}
	for presented, want := range map[string]int{"first_0123456789_abcd": 200, "second_0123456789_abcd": 200, "third_0123456789_abcd": 200,
		"fourth_0123456789_abcd": 401, "first_0123456789_abcdsecond_0123456789_abcd": 401, "first": 401} {
		w := api{h, a.Keys}.send(t.Context(), "GET", "/api_keys?subject="+subject, nil, "Authorization", "Bearer "+presented)
		wantReply(t, w, want)
	}
}

func perCaller(r *http.Request) (httpapi.Caller, error) {
	who := r.Header.Get("X-Caller")
	if who == "" {
		return httpapi.Caller{}, errors.New("a reason that nobody outside is told")
	}
	return httpapi.Caller{All: who == "all", Subjects: strings.Fields(who), Name: "the caller"}, nil
}

// A caller's own authorizer says whose keys there are: those of others do not exist.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{Authorize: perCaller, AllowSubjectChange: true}, nil)
	mine := a.create(t, subject)
	foreign := a.create(t, other)
	const stranger = "user_000000000000000000000000000"
	missing := a.send(t.Context(), "GET", "/api_keys/"+unknown, nil, "X-Caller", subject).Body.String()
	for _, c := range []struct {
		what                 string
		caller               []string
		method, target, body string
		want                 int
	}{
		{"its own", []string{subject}, "GET", "/api_keys/" + mine.id, "", 200},
		{"one of its own", []string{stranger, subject}, "GET", "/api_keys/" + mine.id, "", 200},
		{"any", []string{"all"}, "GET", "/api_keys/" + foreign.id, "", 200},
		{"a foreign one", []string{subject}, "GET", "/api_keys/" + foreign.id, "", 404},
		{"nobody's", []string{subject}, "GET", "/api_keys/" + unknown, "", 404},
		{"without subjects", []string{" "}, "GET", "/api_keys/" + mine.id, "", 404},
		{"update", []string{subject}, "PATCH", "/api_keys/" + foreign.id, `{"description":"x"}`, 404},
		{"revoke", []string{subject}, "POST", "/api_keys/" + foreign.id + "/revoke", "", 404},
		{"rotate", []string{subject}, "POST", "/api_keys/" + foreign.id + "/rotate", "", 404},
		{"delete", []string{subject}, "DELETE", "/api_keys/" + foreign.id, "", 404},
		{"secret", []string{subject}, "GET", "/api_keys/" + foreign.id + "/secret", "", 404},
		{"its own secret", []string{subject}, "GET", "/api_keys/" + mine.id + "/secret", "", 403},
		{"list", []string{subject}, "GET", "/api_keys?subject=" + other, "", 404},
		{"its own list", []string{subject}, "GET", "/api_keys?subject=" + subject, "", 200},
		{"create for another", []string{subject}, "POST", "/api_keys", `{"name":"more","subject":"` + other + `"}`, 404},
		{"create", []string{subject}, "POST", "/api_keys", `{"name":"more","subject":"` + subject + `"}`, 201},
		{"verify a foreign one", []string{subject}, "POST", "/api_keys/verify", `{"secret":"` + foreign.secret + `"}`, 404},
		{"verify", []string{subject}, "POST", "/api_keys/verify", `{"secret":"` + mine.secret + `"}`, 200},
		{"move to another", []string{subject}, "PATCH", "/api_keys/" + mine.id, `{"subject":"` + other + `"}`, 400},
		{"move to another of its own", []string{subject, other}, "PATCH", "/api_keys/" + mine.id, `{"subject":"` + other + `"}`, 400},
		{"move a foreign one", []string{subject}, "PATCH", "/api_keys/" + foreign.id, `{"subject":"` + subject + `"}`, 404},
	} {
		w := a.send(t.Context(), c.method, c.target, strings.NewReader(c.body), "X-Caller", strings.Join(c.caller, " "))
		if wantReply(t, w, c.want); t.Failed() {
			t.Fatal(c.what)
		}
		if c.want == 404 && w.Body.String() != missing {
			t.Errorf("%s: not what an unknown id gets: %s", c.what, w.Body)
		}
	}
	if key, err := a.Issuer.Get(t.Context(), foreign.id); err != nil || key.Revoked() || key.Description() != "" {
		t.Errorf("the foreign key was changed: %v", err)
	}
	a.send(t.Context(), "POST", "/api_keys/"+mine.id+"/revoke", nil, "X-Caller", subject)
	if key, err := a.Issuer.Get(t.Context(), mine.id); err != nil || !key.Revoked() || key.RevokedBy() != "the caller" {
		t.Errorf("revoked by %q, %v", key.RevokedBy(), err)
	}
}

// key is one made beside the handler.
type key struct{ id, secret string }

func (a api) create(t testing.TB, owner string) key {
	t.Helper()
	k, secret := a.Create(t, apikey.CreateParams{Subject: owner, Name: "deploy"})
	return key{k.ID(), secret}
}

func TestAuthorizeErrors(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"any":         {errors.New("canary"), 401, "clerk_key_invalid"},
		"unavailable": {fmt.Errorf("%w: canary", apikey.ErrUnavailable), 503, "service_unavailable"},
		"overloaded":  {fmt.Errorf("canary: %w", apikey.ErrOverloaded), 503, "service_unavailable"},
		"too late":    {fmt.Errorf("canary: %w", context.DeadlineExceeded), 503, "service_unavailable"},
		"its own":     {&httpapi.Error{Status: 429, RetryAfter: 1500 * time.Millisecond}, 429, "too_many_requests"},
		"its own, for a failure": {fmt.Errorf("%w: %w", &httpapi.Error{Status: 403, Code: "not_today", Message: "Not today."}, apikey.ErrUnavailable), 403,
			"not_today"},
		"its own, wrapped": {fmt.Errorf("canary: %w", &httpapi.Error{Status: 403, Code: "not_today", Message: "Not today."}), 403,
			"not_today"},
	} {
		a := newAPI(t, &httpapi.Options{Authorize: func(*http.Request) (httpapi.Caller, error) { return httpapi.Caller{All: true}, c.err }}, nil)
		w := a.send(t.Context(), "GET", "/api_keys/"+unknown, nil)
		wantReply(t, w, c.status)
		wantError(t, w, c.code, "")
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s: %s", what, w.Body)
		}
		if want := map[int]string{429: "2", 503: "1"}[c.status]; w.Header().Get("Retry-After") != want {
			t.Errorf("%s: Retry-After %q; want %q", what, w.Header().Get("Retry-After"), want)
		}
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	var asked []string
	a := newAPI(t, &httpapi.Options{Quota: func(_ context.Context, subject string) error {
		asked = append(asked, subject)
		switch len(asked) {
		case 1:
			return nil
		case 2:
			return errors.New("canary")
		case 3:
			return apikey.ErrUnavailable
		}
		return &httpapi.Error{Status: 429, Message: "Slower."}
	}}, nil)
	a.created(t, "one")
	body := `{"name":"two","subject":"` + subject + `"}`
	a.refused(t, 400, "bad_request", "name", "POST", "/api_keys", `{"name":"x","subject":"`+subject+`"}`) // not asked
	a.refused(t, 403, "token_quota_exceeded", "", "POST", "/api_keys", body)
	a.refused(t, 503, "service_unavailable", "", "POST", "/api_keys", body)
	a.refused(t, 429, "too_many_requests", "", "POST", "/api_keys", body)
	if list := a.ok(t, 200, "GET", "/api_keys?subject="+subject, ""); list["total_count"] != 1.0 {
		t.Errorf("%v", list)
	}
	if len(asked) != 4 || asked[0] != subject {
		t.Errorf("asked %q", asked)
	}
}
