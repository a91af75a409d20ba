package httpapi_test

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// Absent leaves alone, null clears, a value sets: each member by itself.
func TestUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, nil, &noUniqueNames)
		start := time.Now()
		in := func(d time.Duration) float64 { return float64(start.Add(d).UnixMilli()) }
		const body = `{"name":"deploy","subject":"` + subject + `","description":"before","claims":{"a":1},"scopes":["read"],"seconds_until_expiration":60}`
		for _, c := range []struct {
			body, member string
			want         any
		}{
			{`{}`, "description", "before"},
			{`{"description":"after"}`, "description", "after"},
			{`{"description":null}`, "description", nil},
			{`{"description":""}`, "description", nil},
			{`{"claims":[1]}`, "claims", []any{1.0}},
			{`{"claims":null}`, "claims", nil},
			{`{"scopes":["write"]}`, "scopes", []any{"write"}},
			{`{"scopes":[]}`, "scopes", []any{}},
			{`{"seconds_until_expiration":10.0}`, "expiration", in(10 * time.Second)},
			{`{"seconds_until_expiration":null}`, "expiration", nil},
			{`{"subject":"` + subject + `"}`, "subject", subject},
		} {
			before := a.ok(t, 201, "POST", "/api_keys", body)
			delete(before, "secret")
			after := a.ok(t, 200, "PATCH", "/api_keys/"+before["id"].(string), c.body)
			before[c.member] = c.want
			if !reflect.DeepEqual(after, before) {
				t.Errorf("%s:\n%v\nwant\n%v", c.body, after, before)
			}
			if got := a.ok(t, 200, "GET", "/api_keys/"+before["id"].(string), ""); !reflect.DeepEqual(got, after) {
				t.Errorf("%s: then %v", c.body, got)
			}
		}
	})
}

func TestUpdateBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	before := a.call(t, "GET", "/api_keys/"+id, "").Body.String()
	for _, c := range creates { // what is no good for create is none here
		switch c.member {
		case "name", "type", "created_by":
			for _, value := range append(c.good, c.bad...) {
				if value != "" {
					a.refused(t, 400, "bad_request", c.member, "PATCH", "/api_keys/"+id, `{"`+c.member+`":`+value+`}`)
				}
			}
		case "description", "claims", "scopes", "seconds_until_expiration", "subject":
			for _, value := range c.bad {
				if value != "" {
					a.refused(t, 400, "bad_request", c.member, "PATCH", "/api_keys/"+id, `{"`+c.member+`":`+value+`}`)
				}
			}
		}
	}
	for _, body := range []string{"", "null", "[]", `""`, "{", "{}{}"} {
		a.refused(t, 400, "bad_request", "", "PATCH", "/api_keys/"+id, body)
	}
	a.refused(t, 400, "bad_request", "revoked", "PATCH", "/api_keys/"+id, `{"revoked":true}`)
	a.refused(t, 400, "bad_request", "subject", "PATCH", "/api_keys/"+id, `{"subject":"`+other+`"}`)
	if after := a.call(t, "GET", "/api_keys/"+id, "").Body.String(); after != before {
		t.Errorf("%s\nwas\n%s", after, before)
	}
}

func TestSubjectChange(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{AllowSubjectChange: true}, nil)
	id, secret := a.created(t, "deploy")
	if o := a.ok(t, 200, "PATCH", "/api_keys/"+id, `{"subject":"`+other+`"}`); o["subject"] != other {
		t.Errorf("%v", o)
	}
	if o := a.ok(t, 200, "POST", "/api_keys/verify", `{"secret":"`+secret+`"}`); o["subject"] != other {
		t.Errorf("%v", o)
	}
	second, _ := a.created(t, "deploy")
	a.refused(t, 409, "token_creation_conflict", "name", "PATCH", "/api_keys/"+second, `{"subject":"`+other+`"}`)
	a.refused(t, 400, "bad_request", "subject", "PATCH", "/api_keys/"+second, `{"subject":"nobody"}`)
}

func TestRotateBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	for _, body := range []string{`{"grace_seconds":0}`, `{"grace_seconds":0.0}`, `{"grace_seconds":-0}`, `{"grace_seconds":null}`, `{"grace_seconds":1}`, `{"grace_seconds":36e2}`} {
		w := a.call(t, "POST", "/api_keys/"+id+"/rotate", body)
		wantReply(t, w, 200)
	}
	for _, value := range []string{"-1", "0.5", "0.0001", "1e-999999999", "3153600001", "1e999999999", `"60"`, "true", "[]", "{}"} {
		a.refused(t, 400, "bad_request", "grace_seconds", "POST", "/api_keys/"+id+"/rotate", `{"grace_seconds":`+value+`}`)
	}
	a.refused(t, 400, "bad_request", "grace", "POST", "/api_keys/"+id+"/rotate", `{"grace":1}`)
	for range 3 {
		a.call(t, "POST", "/api_keys/"+id+"/rotate", `{"grace_seconds":60}`)
	}
	a.refused(t, 400, "bad_request", "grace_seconds", "POST", "/api_keys/"+id+"/rotate", `{"grace_seconds":60}`) // a fifth
}

func TestRevokeBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	for _, value := range []string{"1", "[]", "{}", "true", `"\u0000"`, `"\ud800"`, text(1025, "x")} {
		a.refused(t, 400, "bad_request", "revocation_reason", "POST", "/api_keys/"+id+"/revoke", `{"revocation_reason":`+value+`}`)
	}
	a.refused(t, 400, "bad_request", "reason", "POST", "/api_keys/"+id+"/revoke", `{"reason":"x"}`)
	if o := a.ok(t, 200, "GET", "/api_keys/"+id, ""); o["revoked"] != false {
		t.Errorf("%v", o)
	}
	if o := a.ok(t, 200, "POST", "/api_keys/"+id+"/revoke", `{"revocation_reason":`+text(1024, "\u00e9")+`}`); o["revoked"] != true {
		t.Errorf("%v", o)
	}
}
