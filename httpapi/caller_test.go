package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// as returns an Authorize for which everybody is this caller.
func as(c httpapi.Caller) func(*http.Request) (httpapi.Caller, error) {
	return func(*http.Request) (httpapi.Caller, error) { return c, nil }
}

// A caller that manages some keys gives them no more than it was allowed to give: else who may have a key could
// give itself any scope.
func TestCallersPowers(t *testing.T) {
	t.Parallel()
	limited := httpapi.Caller{Subjects: []string{subject}, Scopes: []string{"read", "write"}}
	claiming := limited
	claiming.Claims = true
	creates := []struct {
		members                string
		limited, claiming, all int
		param                  string
	}{
		{``, 201, 201, 201, ""},
		{`,"scopes":[]`, 201, 201, 201, ""},
		{`,"scopes":["read"]`, 201, 201, 201, ""},
		{`,"scopes":["write","read"]`, 201, 201, 201, ""},
		{`,"scopes":["admin"]`, 403, 403, 201, "scopes"},
		{`,"scopes":["read","admin"]`, 403, 403, 201, "scopes"},
		{`,"scopes":["READ"]`, 403, 403, 201, "scopes"},
		{`,"claims":null`, 201, 201, 201, ""},
		{`,"claims":{"role":"root"}`, 403, 201, 201, "claims"},
		{`,"created_by":null`, 201, 201, 201, ""},
		{`,"created_by":"user_000000000000000000000000000"`, 403, 201, 201, "created_by"},
		{`,"description":"x","seconds_until_expiration":60`, 201, 201, 201, ""},
	}
	type update struct {
		target, body           string
		limited, claiming, all int
		param                  string
	}
	changes := map[string][]update{ // of a key with these scopes and claims
		`["read"] null`: {
			{"", `{}`, 200, 200, 200, ""},
			{"", `{"scopes":["write"]}`, 200, 200, 200, ""},
			{"", `{"scopes":[]}`, 200, 200, 200, ""},
			{"", `{"scopes":["read","admin"]}`, 403, 403, 200, "scopes"},
			{"", `{"claims":{"role":"root"}}`, 403, 200, 200, "claims"},
			{"", `{"claims":null}`, 200, 200, 200, ""},
			{"", `{"description":"x","seconds_until_expiration":60}`, 200, 200, 200, ""},
			{"", `{"seconds_until_expiration":null}`, 200, 200, 200, ""},
			{"/rotate", ``, 200, 200, 200, ""},
			{"/revoke", ``, 200, 200, 200, ""},
		},
		`["ops","read"] null`: {
			{"", `{"description":"x"}`, 200, 200, 200, ""},
			{"", `{"scopes":["ops","read"]}`, 200, 200, 200, ""}, // as it is
			{"", `{"scopes":["read"]}`, 200, 200, 200, ""},
			{"", `{"scopes":["ops"]}`, 403, 403, 200, "scopes"},
			{"", `{"scopes":["read","ops"]}`, 403, 403, 200, "scopes"},
			{"", `{"seconds_until_expiration":60}`, 403, 403, 200, "scopes"},
			{"", `{"seconds_until_expiration":null}`, 403, 403, 200, "scopes"},
			{"/rotate", ``, 403, 403, 200, "scopes"},
			{"/rotate", `{"grace_seconds":60}`, 403, 403, 200, "scopes"},
			{"/revoke", ``, 200, 200, 200, ""},
		},
		`["read"] {"only":"read"}`: {
			{"", `{"claims":{"only":"read"},"scopes":["read"]}`, 200, 200, 200, ""},
			{"", `{"claims":{"only":"write"}}`, 403, 200, 200, "claims"},
			{"", `{"claims":null}`, 403, 200, 200, "claims"},
			{"", `{"seconds_until_expiration":60}`, 403, 200, 200, "claims"},
			{"/rotate", ``, 403, 200, 200, "claims"},
			{"/revoke", ``, 200, 200, 200, ""},
		},
	}
	for i, caller := range []httpapi.Caller{limited, claiming, {All: true}} {
		a := newAPI(t, &httpapi.Options{Authorize: as(caller)}, &noUniqueNames)
		for _, c := range creates {
			want := []int{c.limited, c.claiming, c.all}[i]
			w := a.call(t, "POST", "/api_keys", `{"name":"deploy","subject":"`+subject+`"`+c.members+`}`)
			if wantReply(t, w, want); want == 403 {
				wantError(t, w, "feature_not_enabled", c.param)
			}
		}
		for of, updates := range changes {
			scopes, claims, _ := strings.Cut(of, " ")
			for _, c := range updates {
				p := apikey.CreateParams{Subject: subject, Claims: []byte(claims)}
				if err := json.Unmarshal([]byte(scopes), &p.Scopes); err != nil {
					t.Fatal(err)
				}
				k, text := a.Create(t, p)
				want := []int{c.limited, c.claiming, c.all}[i]
				w := a.call(t, map[bool]string{true: "PATCH", false: "POST"}[c.target == ""], "/api_keys/"+k.ID()+c.target, c.body)
				if wantReply(t, w, want); want != 403 {
					continue
				}
				wantError(t, w, "feature_not_enabled", c.param)
				after, err := a.Verifier.Verify(t.Context(), text)
				if err != nil || !slices.Equal(after.Scopes(), p.Scopes) || !after.UpdatedAt().Equal(k.UpdatedAt()) {
					t.Errorf("%s, %s%s: it was changed: %v", of, c.target, c.body, err)
				}
			}
		}
	}
}

// What is sent as it was read is not given back to a key from which somebody has taken it meanwhile.
func TestTakenMeanwhile(t *testing.T) {
	t.Parallel()
	for want, caller := range map[string]httpapi.Caller{
		"[read]": {Subjects: []string{subject}, Scopes: []string{"read"}},
		"[ops]":  {All: true}, // who may, has given it
	} {
		store := &changing{Store: memstore.New(), change: func(r *apikey.Record) { r.Scopes = []string{"read"} }}
		a := newAPI(t, &httpapi.Options{Authorize: as(caller)}, &apikeytest.Options{Store: store})
		k, _ := a.Create(t, apikey.CreateParams{Subject: subject, Scopes: []string{"ops"}})
		store.after = 1
		o := a.ok(t, 200, "PATCH", "/api_keys/"+k.ID(), `{"scopes":["ops"],"description":"x"}`)
		if fmt.Sprint(o["scopes"]) != want || o["description"] != "x" {
			t.Errorf("%v; want %s", o, want)
		}
	}
}

// A key that is moved away after it was looked at, and before it is changed, is out of reach.
func TestMovedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, target, body string }{
		{"PATCH", "", `{"description":"x"}`}, {"POST", "/revoke", ""}, {"POST", "/rotate", ""}, {"DELETE", "", ""},
	} {
		for n := 1; n <= 2; n++ {
			store := &changing{Store: memstore.New(), change: func(r *apikey.Record) { r.Subject = other }}
			a := newAPI(t, &httpapi.Options{Authorize: as(httpapi.Caller{Subjects: []string{subject}})}, &apikeytest.Options{Store: store})
			k, text := a.Create(t, apikey.CreateParams{Subject: subject})
			store.after = n
			w := a.call(t, c.method, "/api_keys/"+k.ID()+c.target, c.body)
			wantReply(t, w, 404)
			if store.after != 0 {
				t.Errorf("%s%s: fewer than %d reads", c.method, c.target, n)
			}
			after, err := a.Verifier.Verify(t.Context(), text)
			if err != nil || after.Subject() != other || after.Description() != "" {
				t.Errorf("%s%s: %v", c.method, c.target, err)
			}
		}
	}
}

// changing is a store in which a key is changed by somebody else after the n-th read.
type changing struct {
	apikey.Store
	change func(*apikey.Record)
	after  int
}

func (m *changing) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	r, err := m.Store.Get(ctx, id)
	if m.after == 0 || err != nil {
		return r, err
	}
	if m.after--; m.after == 0 {
		changed := r.Clone()
		m.change(changed)
		if err := m.Replace(ctx, changed); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// However somebody is called, it can revoke.
func TestCallersName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"": "", "ada": "ada", strings.Repeat("é", 255): strings.Repeat("é", 255), strings.Repeat("é", 256): strings.Repeat("é", 255),
		"a\nb\x00": "ab", "a\xffb": "ab", "a\u0085b": "ab",
	} {
		a := newAPI(t, &httpapi.Options{Authorize: as(httpapi.Caller{All: true, Name: name})}, nil)
		id, _ := a.created(t, "deploy")
		a.ok(t, 200, "POST", "/api_keys/"+id+"/revoke", "")
		if k, err := a.Issuer.Get(t.Context(), id); err != nil || !k.Revoked() || k.RevokedBy() != want {
			t.Errorf("%q: %v, by %q", name, err, k.RevokedBy())
		}
	}
}

// verify knows the issuer's keys alone: not those of another prefix, and of an Issuer for a subject no other's.
func TestVerifyIsTheIssuers(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	a := newAPI(t, nil, &apikeytest.Options{Store: store})
	tk := newAPI(t, nil, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: "tk"}})
	mine, foreign := a.create(t, subject), a.create(t, other)
	another := tk.create(t, subject)
	verifier, err := apikey.NewVerifier(store, nil) // takes any prefix
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { verifier.Close() })
	if _, err := verifier.Verify(t.Context(), another.secret); err != nil {
		t.Fatalf("control: %v", err)
	}
	for what, c := range map[string]struct {
		issuer *apikey.Issuer
		want   map[string]int
	}{
		"all":       {a.Issuer, map[string]int{mine.secret: 200, foreign.secret: 200, another.secret: 404}},
		"a subject": {a.Issuer.ForSubject(subject), map[string]int{mine.secret: 200, foreign.secret: 404, another.secret: 404}},
		"nobody":    {a.Issuer.ForSubject(""), map[string]int{mine.secret: 404, foreign.secret: 404, another.secret: 404}},
	} {
		h, err := httpapi.New(c.issuer, verifier, &httpapi.Options{Tokens: []string{token}})
		if err != nil {
			t.Fatal(err)
		}
		for secret, want := range c.want {
			if w := (api{h, a.Keys}).call(t, "POST", "/api_keys/verify", `{"secret":"`+secret+`"}`); w.Code != want {
				t.Errorf("%s, %.3s: %d; want %d", what, secret, w.Code, want)
			}
		}
	}
}

// Authorize can tell what is asked for.
func TestOperation(t *testing.T) {
	t.Parallel()
	asked := ""
	a := newAPI(t, &httpapi.Options{Authorize: func(r *http.Request) (httpapi.Caller, error) {
		asked = httpapi.Operation(r)
		return httpapi.Caller{}, nil
	}}, nil)
	for call, want := range map[string]string{
		"POST /api_keys": "createApiKey", "GET /v1/api_keys": "getApiKeys", "HEAD /api_keys": "getApiKeys", "GET /x/api_keys/" + unknown: "getApiKey",
		"PATCH /api_keys/" + unknown: "updateApiKey", "DELETE /api_keys/nonsense": "deleteApiKey", "GET /api_keys/" + unknown + "/secret": "getApiKeySecret",
		"POST /api_keys/" + unknown + "/revoke": "revokeApiKey", "POST /api_keys/" + unknown + "/rotate": "rotateApiKey", "POST /api_keys/verify": "verifyApiKey",
		"GET /nothing": "", "PUT /api_keys": "", "GET /api_keys/": "", "GET /xapi_keys": "", "GET /api_keys/a/b": "",
	} {
		asked = "not asked"
		method, path, _ := strings.Cut(call, " ")
		a.call(t, method, path, "")
		if asked != want {
			t.Errorf("%s: %q; want %q", call, asked, want)
		}
	}
	asked = "not asked"
	a.call(t, "GET", "/openapi.json", "")
	r, err := http.NewRequestWithContext(t.Context(), "GET", "/openapi.json", nil)
	if err != nil || asked != "not asked" || httpapi.Operation(r) != "" {
		t.Errorf("the document: %v, %q", err, asked)
	}
}

// What a subject's last place is asked for: a create, and a move to it.
func TestQuotaOfMoves(t *testing.T) {
	t.Parallel()
	asked := ""
	a := newAPI(t, &httpapi.Options{AllowSubjectChange: true, Quota: func(_ context.Context, subject string) error {
		asked += subject + " "
		if subject == other {
			return fmt.Errorf("full")
		}
		return nil
	}}, nil)
	id, _ := a.created(t, "deploy")
	a.refused(t, 403, "token_quota_exceeded", "", "PATCH", "/api_keys/"+id, `{"subject":"`+other+`"}`)
	a.ok(t, 200, "PATCH", "/api_keys/"+id, `{"subject":"`+subject+`","description":"x"}`) // stays where it is
	if want := subject + " " + other + " "; asked != want {
		t.Errorf("asked for %s", asked)
	}
}
