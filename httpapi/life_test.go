package httpapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var fields = []string{"object", "id", "type", "subject", "name", "description", "claims", "scopes", "revoked", "revocation_reason",
	"expired", "expiration", "created_by", "last_used_at", "created_at", "updated_at"}

// A key's whole life, with every reply compared as a whole.
func TestLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, nil, nil)
		start := time.Now()
		ms := func(after time.Duration) float64 { return float64(start.Add(after).UnixMilli()) }
		made := a.ok(t, 201, "POST", "/v1/api_keys", `{"name":"MY_SERVICE_API_KEY","subject":"`+subject+`","type":"ci_key",
			"description":"This is my API Key","claims":{"Foo":{"bAr":[1,null,"x"]}},"scopes":["read","write"],"created_by":"`+subject+`","seconds_until_expiration":3600}`)
		id, secret := made["id"].(string), made["secret"].(string)
		if !regexp.MustCompile(`^ak_[0-9a-f]{32}$`).MatchString(id) || !strings.HasPrefix(secret, "ak_") || strings.Contains(secret, ".") {
			t.Fatalf("%v", made)
		}
		want := object{"object": "api_key", "id": id, "type": "ci_key", "subject": subject, "name": "MY_SERVICE_API_KEY",
			"description": "This is my API Key", "claims": map[string]any{"Foo": map[string]any{"bAr": []any{1.0, nil, "x"}}},
			"scopes": []any{"read", "write"}, "revoked": false, "revocation_reason": nil, "expired": false, "expiration": ms(time.Hour),
			"created_by": subject, "last_used_at": nil, "created_at": ms(0), "updated_at": ms(0)}
		same := func(what string, got object) {
			t.Helper()
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n%v\nwant\n%v", what, got, want)
			}
		}
		want["secret"] = secret
		same("create", made)
		delete(want, "secret")
		same("get", a.ok(t, 200, "GET", "/v1/api_keys/"+id, ""))
		if got := slices.Sorted(maps.Keys(want)); !reflect.DeepEqual(got, slices.Sorted(slices.Values(fields))) {
			t.Errorf("fields %q", got)
		}

		same("verify", a.ok(t, 200, "POST", "/v1/api_keys/verify", `{"secret":"`+secret+`"}`))
		a.refused(t, 403, "feature_not_enabled", "", "GET", "/v1/api_keys/"+id+"/secret", "")

		time.Sleep(2 * time.Second) // in the bubble
		want["description"], want["claims"], want["scopes"], want["expiration"] = nil, nil, []any{}, ms(2*time.Second+90*time.Second)
		want["updated_at"], want["last_used_at"] = ms(2*time.Second), ms(0)
		patched := a.ok(t, 200, "PATCH", "/v1/api_keys/"+id, `{"subject":"`+subject+`","description":null,"claims":null,"scopes":[],"seconds_until_expiration":90}`)
		patched["last_used_at"] = ms(0) // written behind
		same("update", patched)

		rotated := a.ok(t, 200, "POST", "/v1/api_keys/"+id+"/rotate", `{"grace_seconds":60}`)
		second, _ := rotated["secret"].(string)
		if second == "" || second == secret || rotated["id"] != id {
			t.Errorf("%v", rotated)
		}
		for _, s := range []string{secret, second} {
			a.ok(t, 200, "POST", "/v1/api_keys/verify", `{"secret":"`+s+`"}`)
		}
		time.Sleep(time.Minute)
		a.refused(t, 404, "resource_not_found", "", "POST", "/v1/api_keys/verify", `{"secret":"`+secret+`"}`)
		a.ok(t, 200, "POST", "/v1/api_keys/verify", `{"secret":"`+second+`"}`)

		revoked := a.ok(t, 200, "POST", "/v1/api_keys/"+id+"/revoke", `{"revocation_reason":"Revoked by user"}`)
		if revoked["revoked"] != true || revoked["revocation_reason"] != "Revoked by user" {
			t.Errorf("%v", revoked)
		}
		a.refused(t, 404, "resource_not_found", "", "POST", "/v1/api_keys/verify", `{"secret":"`+second+`"}`)
		again := a.ok(t, 200, "POST", "/v1/api_keys/"+id+"/revoke", `{"revocation_reason":"again"}`)
		if again["revocation_reason"] != "Revoked by user" || again["updated_at"] != revoked["updated_at"] {
			t.Errorf("%v", again)
		}
		a.refused(t, 400, "bad_request", "", "PATCH", "/v1/api_keys/"+id, `{"description":"x"}`)
		a.refused(t, 400, "bad_request", "", "POST", "/v1/api_keys/"+id+"/rotate", `{}`)

		gone := a.ok(t, 200, "DELETE", "/v1/api_keys/"+id, "null")
		if !reflect.DeepEqual(gone, object{"id": id, "object": "api_key", "deleted": true}) {
			t.Errorf("%v", gone)
		}
		for _, c := range [][2]string{{"DELETE", ""}, {"GET", ""}, {"GET", "/secret"}, {"PATCH", ""}, {"POST", "/revoke"}, {"POST", "/rotate"}} {
			a.refused(t, 404, "resource_not_found", "", c[0], "/v1/api_keys/"+id+c[1], "{}")
		}
	})
}

// Numbers are plain integers, as Go's client refuses 1.78e12, and nothing is left out.
func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	w := a.call(t, "POST", "/api_keys", `{"name":"deploy","subject":"`+subject+`","claims":{"b":1.50,"a":9007199254740993}}`)
	wantReply(t, w, http.StatusCreated)
	form := regexp.MustCompile(`^\{"object":"api_key","id":"ak_[0-9a-f]{32}","type":"api_key","subject":"` + subject + `","name":"deploy",` +
		`"description":null,"claims":\{"b":1\.50,"a":9007199254740993\},"scopes":\[\],"secret":"ak_[0-9A-Za-z]{72}","revoked":false,` +
		`"revocation_reason":null,"expired":false,"expiration":null,"created_by":null,"last_used_at":null,"created_at":[0-9]{13},"updated_at":[0-9]{13}\}$`)
	if !form.MatchString(w.Body.String()) {
		t.Errorf("%s", w.Body)
	}
	var made object
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	got := a.call(t, "GET", "/api_keys/"+made["id"].(string), "").Body.String()
	if want := regexp.MustCompile(`"secret":"[^"]*",`).ReplaceAllString(w.Body.String(), ""); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Revoke and delete take nothing, null and {} alike, with a Content-Type or without.
func TestBodiesThatSayNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	for _, body := range []string{"", "null", "{}", " {} ", "\n", " null\n"} {
		id, _ := a.created(t, "deploy")
		a.ok(t, 200, "POST", "/api_keys/"+id+"/rotate", body)
		if o := a.ok(t, 200, "POST", "/api_keys/"+id+"/revoke", body); o["revocation_reason"] != nil {
			t.Errorf("%q: %v", body, o)
		}
		a.ok(t, 200, "DELETE", "/api_keys/"+id, body)
	}
	id, _ := a.created(t, "deploy")
	a.ok(t, 200, "POST", "/api_keys/"+id+"/revoke", `{"revocation_reason":null}`)
	for body, param := range map[string]string{`{"deleted":true}`: "deleted", `[]`: "", `"null"`: "", `0`: "", `{`: "", `nul`: "", `{} {}`: "", `{}x`: "", "null null": ""} {
		a.refused(t, 400, "bad_request", param, "DELETE", "/api_keys/"+id, body)
	}
}
