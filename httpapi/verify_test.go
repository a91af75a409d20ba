package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// Whatever is wrong with a secret, the reply is the same: status, headers and body.
func TestVerifyRejections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		denied := ""
		a := newAPI(t, nil, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, key *apikey.Key) error {
			if key.ID() == denied {
				return errors.New("the owner has left")
			}
			return nil
		}}})
		_, good := a.created(t, "good")
		revokedID, revoked := a.created(t, "revoked")
		a.ok(t, 200, "POST", "/api_keys/"+revokedID+"/revoke", "")
		deletedID, deleted := a.created(t, "deleted")
		a.ok(t, 200, "DELETE", "/api_keys/"+deletedID, "")
		rotatedID, rotated := a.created(t, "rotated")
		a.ok(t, 200, "POST", "/api_keys/"+rotatedID+"/rotate", "")
		var deniedText string
		denied, deniedText = a.created(t, "denied")
		expired := a.ok(t, 201, "POST", "/api_keys", with("seconds_until_expiration", "1"))["secret"].(string)
		_, foreign := apikeytest.New(t, nil).Create(t, apikey.CreateParams{})
		time.Sleep(time.Second)

		var first *httptest.ResponseRecorder
		for what, secret := range map[string]string{
			"revoked": revoked, "deleted": deleted, "rotated away": rotated, "denied": deniedText, "expired": expired, "unknown": foreign,
			"another character": good[:len(good)-1] + "!", "cut": good[:len(good)-1], "longer": good + "0", "space": " " + good, "its id": revokedID,
			"another prefix": "sk" + good[2:], "a JWT": "a.b.c", "no text of a key": "\x00\n\u00e9", "long": strings.Repeat("x", 60_000),
		} {
			body, err := json.Marshal(map[string]string{"secret": secret})
			if err != nil {
				t.Fatal(err)
			}
			w := a.call(t, "POST", "/v1/api_keys/verify", string(body))
			wantReply(t, w, 404)
			wantError(t, w, "resource_not_found", "")
			if first == nil {
				first = w
			}
			if w.Body.String() != first.Body.String() || !reflect.DeepEqual(w.Header(), first.Header()) {
				t.Errorf("%s: %v %s; others %v %s", what, w.Header(), w.Body, first.Header(), first.Body)
			}
		}
		a.ok(t, 200, "POST", "/v1/api_keys/verify", `{"secret":"`+good+`"}`)
	})
}

func TestVerifyBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	_, secret := a.created(t, "deploy")
	for body, param := range map[string]string{
		"": "", "null": "", "{}": "secret", `{"secret":null}`: "secret", `{"secret":""}`: "secret", `{"secret":1}`: "secret", `{"secret":["` + secret + `"]}`: "secret",
		`{"secret":"` + secret + `","subject":"x"}`: "subject", `{"secret":"` + secret + `","secret":"` + secret + `"}`: "secret", `{"Secret":"` + secret + `"}`: "",
		`{"secret":"` + secret + `"`: "secret", `{"secret":"` + secret + `"}x`: "", `{"` + secret + `":1}`: "", `"` + secret + `"`: "", secret: "", `{"secret":` + secret + `}`: "secret",
		`{"secret":"` + secret + `\ud800"}`: "secret",
	} {
		if a.refused(t, 400, "bad_request", param, "POST", "/api_keys/verify", body); t.Failed() {
			t.Fatal(body)
		}
	}
}

// A failure is no rejection: a client that takes it for one throws its key away.
func TestVerifyFailures(t *testing.T) {
	t.Parallel()
	var failure error
	a := newAPI(t, nil, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(context.Context, *apikey.Key) error { return failure }}})
	_, secret := a.created(t, "deploy")
	for _, failure = range []error{apikey.ErrUnavailable, apikey.ErrOverloaded, context.DeadlineExceeded} {
		w := a.call(t, "POST", "/api_keys/verify", `{"secret":"`+secret+`"}`)
		wantReply(t, w, 503)
		wantError(t, w, "service_unavailable", "")
		if w.Header().Get("Retry-After") != "1" {
			t.Errorf("%v: Retry-After %q", failure, w.Header().Get("Retry-After"))
		}
	}
}
