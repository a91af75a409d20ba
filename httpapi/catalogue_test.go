package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Tests named after a CVE, or after the row of docs/security-cases.md, put the attack of that row to this package.

// everything is one request of each operation, on a key.
func everything(id, secret string) [][3]string {
	return [][3]string{
		{"POST", "/api_keys", `{"name":"another","subject":"` + subject + `"}`},
		{"GET", "/api_keys?subject=" + subject + "&include_invalid=true", ""},
		{"GET", "/api_keys/" + id, ""},
		{"PATCH", "/api_keys/" + id, `{"description":"changed"}`},
		{"GET", "/api_keys/" + id + "/secret", ""},
		{"POST", "/api_keys/verify", `{"secret":"` + secret + `"}`},
		{"POST", "/api_keys/" + id + "/rotate", `{"grace_seconds":60}`},
		{"POST", "/api_keys/" + id + "/revoke", `{"revocation_reason":"over"}`},
		{"POST", "/api_keys/verify", `{"secret":"` + secret + `"}`},
		{"DELETE", "/api_keys/" + id, ""},
		{"GET", "/openapi.json", ""},
	}
}

// CVE-2025-11794, CVE-2023-37916, CVE-2026-62684: an API gave out the hash of a password, or the token itself, to whoever could
// read the object. Here no reply holds anything of a hash or a MAC, and a secret stands in those of create and rotate alone.
func TestCVE_2025_11794_NoReplyHoldsAHash(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	ring, err := apikey.NewKeyring(bytes.Repeat([]byte{3}, 32))
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, nil, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring}})
	id, secret := a.created(t, "deploy")
	for _, call := range everything(id, secret) {
		w := a.call(t, call[0], call[1], call[2])
		page, _, err := store.List(t.Context(), apikey.Filter{}, apikey.ID{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			for _, c := range r.Credentials {
				parts := append(strings.Split(c.Hash, "$")[4:], hex.EncodeToString(c.MAC), base64.StdEncoding.EncodeToString(c.MAC), string(c.MAC), "argon2")
				for _, part := range parts {
					if strings.Contains(w.Body.String(), part) && call[1] != "/openapi.json" {
						t.Errorf("%s %s: %q is in the reply", call[0], call[1], part)
					}
				}
			}
		}
		hands := call[1] == "/api_keys" || strings.HasSuffix(call[1], "/rotate")
		if strings.Contains(w.Body.String(), secret[25:]) || !hands && strings.Contains(w.Body.String(), `"secret":"`) || hands && !strings.Contains(w.Body.String(), `"secret":"ak_`) {
			t.Errorf("%s %s: %s", call[0], call[1], w.Body)
		}
	}
}

// CVE-2026-33186, CVE-2023-37918, CVE-2026-40912: who wrote the path in another way was not asked for a credential. Whatever the path
// and the method, without one all but the document is 401; and so it is with one in the URL, or of another kind.
func TestCVE_2026_33186_NoPathSkipsTheCheck(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, secret := a.created(t, "deploy")
	for _, path := range []string{
		"/api_keys", "/api_keys/" + id, "api_keys", "api_keys/" + id, "//api_keys/" + id, "/./api_keys/" + id, "/api_keys/./" + id, "/%61pi_keys/" + id, "/api_keys%2f" + id, "/API_KEYS/" + id, "", "/", "*",
		"/openapi.json/api_keys/" + id, "/openapi.json/../api_keys/" + id, "/api_keys/openapi.json", "/api_keys/" + id + "/openapi.json", "/api_keys/..%2fopenapi.json", "/openapi.json/", "/openapi.json%00", "/openapi.json;/api_keys",
		"/%6fpenapi.json", "/api_keys/" + id + "#/openapi.json",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"} {
			for _, headers := range [][]string{nil, {"Authorization", "Bearer " + secret}, {"Authorization", "Basic " + token}, {"Authorization", token}, {"X-API-Key", token}, {"Cookie", "token=" + token},
				{"X-Forwarded-For", "127.0.0.1", "X-Original-Url", "/openapi.json"}} {
				w := a.send(t.Context(), method, path+"?token="+token+"&access_token="+token, strings.NewReader("{}"), headers...)
				if wantReply(t, w, http.StatusUnauthorized); t.Failed() {
					t.Fatalf("%s %s %v: %s", method, path, headers, w.Body)
				}
			}
		}
	}
	if got, err := a.Issuer.Get(t.Context(), id); err != nil || got.Revoked() {
		t.Errorf("the key was changed: %v, %v", got, err)
	}
	wantReply(t, a.call(t, "GET", "/api_keys/"+id, ""), http.StatusOK)
}

// CVE-2026-40264, CVE-2026-45808, CVE-2023-24999, CVE-2017-18878: who managed one tenant's keys could read, revoke or renew
// another's. For each operation another's key is one that is not there, and nothing is changed.
func TestCVE_2026_40264_AnothersKeyIsNotThere(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{Authorize: as(httpapi.Caller{Subjects: []string{other}, Scopes: []string{"read"}, Claims: true})}, &noUniqueNames)
	theirs, text := a.Create(t, apikey.CreateParams{Subject: subject})
	for _, call := range everything(theirs.ID(), text) {
		if call[1] == "/openapi.json" {
			continue
		}
		w := a.call(t, call[0], call[1], call[2])
		nobodys := a.call(t, call[0], strings.ReplaceAll(call[1], theirs.ID(), unknown), strings.ReplaceAll(call[2], text, text[:len(text)-1]+"!"))
		if w.Code < 400 && !strings.Contains(w.Body.String(), `"data":[]`) || w.Code != nobodys.Code || w.Body.String() != nobodys.Body.String() {
			t.Errorf("%s %s: %d %s; one that is not there: %d %s", call[0], call[1], w.Code, w.Body, nobodys.Code, nobodys.Body)
		}
	}
	if k, err := a.Verifier.Verify(t.Context(), text); err != nil || k.Description() != "" || k.Revoked() {
		t.Errorf("the key was changed: %v, %v", k, err)
	}
	if n, err := a.Issuer.Count(t.Context(), apikey.Query{IncludeInvalid: true}); n != 1 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

// CVE-2025-48495: the name of a key was shown as HTML to whoever managed keys. Here it is in JSON that is said to be that, and what
// could end a line or hide something in it is refused.
func TestCVE_2025_48495_NamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	w := a.call(t, "POST", "/api_keys", `{"name":"<script>alert(1)</script>","subject":"`+subject+`","description":"</script><img src=x onerror=alert(1)>"}`)
	id, _ := made(t, w)
	for _, call := range everything(id, "x") {
		w := a.call(t, call[0], call[1], call[2])
		if got := w.Header()["Content-Type"]; len(got) != 1 || got[0] != "application/json" { // which no browser runs
			t.Errorf("%s %s: Content-Type %q", call[0], call[1], got)
		}
	}
	for _, evil := range []string{`a\r\nSet-Cookie: x`, `a\u0000`, `\u001b[31m`, `a\u0085b`} {
		for _, member := range []string{"name", "description", "subject", "created_by", "type"} {
			w := a.call(t, "POST", "/api_keys", with(member, `"`+evil+`"`))
			if wantReply(t, w, http.StatusBadRequest); t.Failed() {
				t.Fatalf("%s %s", member, evil)
			}
		}
	}
}

// CVE-2020-15223: a revocation that the store had not taken was answered with success.
func TestCVE_2020_15223_FailedRevocationsAreNoSuccess(t *testing.T) {
	t.Parallel()
	store := &readOnly{Store: memstore.New()}
	a := newAPI(t, nil, &apikeytest.Options{Store: store})
	id, secret := a.created(t, "deploy")
	store.full = true
	for _, call := range [][2]string{{"POST", "/revoke"}, {"DELETE", ""}} {
		w := a.call(t, call[0], "/api_keys/"+id+call[1], "")
		if wantReply(t, w, http.StatusServiceUnavailable); w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", call[0])
		}
	}
	if _, err := a.Verifier.Verify(t.Context(), secret); err != nil {
		t.Errorf("control: %v", err)
	}
}

var errFull = errors.New("the disk is full")

// CVE-2026-33621: the limit was written, and nothing asked it. Authorize and Quota are asked by what New returns.
func TestCVE_2026_33621_LimitsAreMounted(t *testing.T) {
	t.Parallel()
	authorized, counted := 0, 0
	a := newAPI(t, &httpapi.Options{
		Authorize: func(*http.Request) (httpapi.Caller, error) { authorized++; return httpapi.Caller{All: true}, nil },
		Quota:     func(context.Context, string) error { counted++; return errors.New("no more") },
	}, nil)
	w := a.call(t, "POST", "/api_keys", `{"name":"deploy","subject":"`+subject+`"}`)
	wantReply(t, w, http.StatusForbidden)
	wantError(t, w, "token_quota_exceeded", "")
	if authorized != 1 || counted != 1 {
		t.Errorf("asked %d and %d times", authorized, counted)
	}
	if n, err := a.Issuer.Count(t.Context(), apikey.Query{IncludeInvalid: true}); n != 0 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

// readOnly is a store that takes no changes while it is full.
type readOnly struct {
	*memstore.Store
	full bool
}

func (r *readOnly) Replace(ctx context.Context, record *apikey.Record) error {
	if r.full {
		return errFull
	}
	return r.Store.Replace(ctx, record)
}

func (r *readOnly) Delete(ctx context.Context, id apikey.ID) error {
	if r.full {
		return errFull
	}
	return r.Store.Delete(ctx, id)
}

// F6, GO-2025-3770, GO-2026-4316: a path with two slashes became a redirect to another site. Nothing here redirects.
func TestF6_NothingRedirects(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	for _, path := range []string{"//evil.example/api_keys", "//evil.example", "/api_keys/", "//evil.example/..", "/\\evil.example", "/%2f%2fevil.example/", "/api_keys//", "/v1/../api_keys"} {
		for _, method := range []string{"GET", "POST", "HEAD"} {
			if w := a.call(t, method, path, ""); w.Code >= 300 && w.Code < 400 || w.Header().Get("Location") != "" {
				t.Errorf("%s %s: %d %v", method, path, w.Code, w.Header())
			}
		}
	}
}
