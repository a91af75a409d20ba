package httpapi_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// Whatever is put where, nothing of it comes back, nor into the log: a secret is often sent to the wrong
// place.
func TestNothingIsEchoed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := newAPI(t, &httpapi.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	id, secret := a.created(t, "deploy")
	canary := secret[len(secret)-40:] // the part that nobody may see
	bodies := []string{secret, `"` + secret + `"`, `{"` + secret + `":1}`, `{"secret":{"` + secret + `":1}}`, `["` + secret + `"]`, `{"secret":"` + secret + `","x":1}`,
		`{"secret":"x` + secret + `"}`, `{"secret":` + secret + `}`, `{"claims":{"` + secret + `":1,"` + secret + `":2}}`, `{"scopes":["` + secret + ` "]}`,
		`{"revocation_reason":["` + secret + `"]}`, `{"grace_seconds":"` + secret + `"}`, `{"seconds_until_expiration":"` + secret + `"}`}
	for _, member := range []string{"name", "subject", "type", "description", "scopes", "created_by", "seconds_until_expiration", "unheard_of"} {
		bodies = append(bodies, with(member, `"`+secret+` "`), with(member, `["`+secret+` "]`), with(member, secret))
	}
	bodies[len(bodies)-1] += secret
	requests := 0
	for _, path := range []string{"", "/verify", "/" + id, "/" + id + "/secret", "/" + id + "/rotate", "/" + unknown, "/" + secret, "/" + secret + "/revoke", "/" + id + "/" + secret,
		"?subject=" + secret, "?subject=" + subject + "&limit=" + secret, "?subject=" + subject + "&type=" + secret, "?subject=" + subject + "&include_invalid=" + secret,
		"?subject=" + subject + "&query=" + secret + "%00", "?" + secret + "=1", "?subject=" + subject + "&%" + secret} {
		for _, method := range []string{"GET", "POST", "PATCH", "PUT", secret} {
			for _, body := range bodies {
				w := a.call(t, method, "/api_keys"+path, body)
				requests++
				if path == "" && w.Code == 201 && strings.Contains(body, "description") { // that is a text to be kept
					continue
				}
				if w.Code >= 500 {
					t.Errorf("%s %s %s: %d", method, path, body, w.Code)
				}
				for name, values := range w.Header() {
					if strings.Contains(strings.Join(values, " "), canary) {
						t.Errorf("%s %s %s: %s: %s", method, path, body, name, values)
					}
				}
				if strings.Contains(w.Body.String(), canary) {
					t.Errorf("%s %s %s: %s", method, path, body, w.Body)
				}
			}
		}
	}
	for _, headers := range [][]string{{"Authorization", "Bearer " + secret}, {"Authorization", secret}, {"X-API-Key", secret}} {
		w := a.send(t.Context(), "GET", "/api_keys/"+secret, nil, headers...)
		if strings.Contains(w.Body.String(), canary) || w.Code != 401 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("%s", &log)
	}
	if requests < 2000 {
		t.Errorf("control: %d requests", requests)
	}
}
