package httpauth_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

// FuzzAuthorization gives the middleware any header. It never panics, answers one of four ways, and
// gets the one good credential out of a header only if that is written as the RFCs say.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{"Bearer good", "bearer good", "Basic Z29vZDo=", "Basic Omdvb2Q=", "Bearer", "Bearer good, Bearer good", "Bearer  good",
		"Basic", "Basic =", "Digest x", "", "good", "Bearer good\x00", "\u212aearer good", "Basic Z29v\nZDo=", " BAsiC Z29vZDo0", "\t Bearer good", "Bearer\tgood",
		"Bearer\u00a0good", "Bearer good\u0085", "Bearer good ", "Bearer \vgood", "Bearer good,Basic Z29vZDo=", "Bearer \"good\"", "Bearer good Bearer good", "Basic Z29vZDp=", "Basic Z29vZDo",
		"Basic Z29vZDo=,", "Basic Z29v-ZDo_", "Bearer \xffgood"} {
		f.Add(seed, "", false)
		f.Add("", seed, true)
	}
	f.Add("Bearer good", "good", true)
	key := apikey.NewKey(&apikey.Record{Prefix: "ak", Subject: "user_good"})
	v := verify(func(_ context.Context, credential string) (*apikey.Key, error) {
		if len(credential) > 4096 || strings.ContainsAny(credential, " ,\t\"\x00") {
			panic("a Verifier is asked for what is no credential")
		}
		if credential != "good" {
			return nil, apikey.ErrMalformed
		}
		return key, nil
	})
	h := httpauth.Middleware(v, &httpauth.Options{Basic: true})(whoami)
	f.Fuzz(func(t *testing.T, authorization, named string, isNamed bool) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.Header["Authorization"] = []string{authorization}
		if isNamed {
			r.Header["X-Api-Key"] = []string{named}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		value := strings.TrimLeft(authorization, " \t") // white space before is no part of it (RFC 9110, section 5.5)
		scheme, rest, _ := strings.Cut(value, " ")
		decoded, err := base64.StdEncoding.DecodeString(rest)
		user, password, _ := strings.Cut(string(decoded), ":")
		good := strings.EqualFold(scheme, "bearer") && rest == "good" ||
			strings.EqualFold(scheme, "basic") && err == nil && (user == "good" || password == "good") || isNamed && named == "good"
		switch {
		case w.Code == http.StatusOK && !good:
			t.Errorf("%q, %q: accepted", authorization, named)
		case w.Code != http.StatusOK && w.Code != http.StatusUnauthorized && w.Code != http.StatusBadRequest:
			t.Errorf("%q, %q: %d", authorization, named, w.Code)
		}
	})
}
