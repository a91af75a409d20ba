package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// setPath gives a request the path that a server would give it.
func setPath(r *http.Request, path string) error {
	decoded, err := url.PathUnescape(path)
	r.URL.Path, r.URL.RawPath = decoded, path
	return err
}

func TestPaths(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	digits := strings.TrimPrefix(id, "ak_")
	for path, want := range map[string]int{
		"/api_keys/" + id:             200,
		"/v1/api_keys/" + id:          200,
		"/any/mount/api_keys/" + id:   200,
		"/api_keys/api_key_" + digits: 200, // as ids once began at Clerk

		"/api_keys/" + id + "/":                           404,
		"/api_keys/":                                      404,
		"/api_keys//":                                     404,
		"//api_keys/" + id:                                200, // a mount
		"/api_keys//" + id:                                404,
		"/api_keys/" + id + "/nothing":                    404,
		"/api_keys/" + id + "/secret/":                    404,
		"/api_keys/" + id + "/secret/more":                404,
		"/api_keys/verify/secret":                         400, // an id, and no good one
		"/api_keys/api_keys/" + id:                        404, // what is mounted begins at the first one
		"/xopenapi.json":                                  404,
		"/API_KEYS/" + id:                                 404,
		"/%61pi_keys/" + id:                               404,
		"/api_keysx/" + id:                                404,
		"/xapi_keys/" + id:                                404,
		"/":                                               404,
		"/v1":                                             404,
		"/api_keys/" + strings.ToUpper(id):                400,
		"/api_keys/ak_" + strings.ToUpper(digits):         404, // well formed, and nobody's
		"/api_keys/%61k_" + digits:                        400,
		"/api_keys/" + id + "0":                           400,
		"/api_keys/" + id[:len(id)-1]:                     400,
		"/api_keys/sk_" + digits:                          400,
		"/api_keys/" + digits:                             400,
		"/api_keys/_" + digits:                            400,
		"/api_keys/ak_" + digits[1:] + "g":                400,
		"/api_keys/ak_" + digits[1:] + "%00":              400,
		"/api_keys/ak_" + digits[2:] + "\u00e9":           400,
		"/api_keys/..":                                    400,
		"/api_keys/%2e%2e":                                400,
		"/api_keys/" + id + "%2Fsecret":                   400,
		"/api_keys/" + strings.Repeat("a", 100_000):       400,
		"/api_keys/ak_" + strings.Repeat("0", 32) + "%20": 400,
	} {
		w := a.call(t, "GET", path, "")
		if wantReply(t, w, want); t.Failed() {
			t.Fatalf("%.100s", path)
		}
		if want == 400 {
			wantError(t, w, "bad_request", "id")
		}
		if want == 404 {
			wantError(t, w, "resource_not_found", "")
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	for path, allow := range map[string]string{
		"/api_keys":                           "GET, HEAD, POST",
		"/api_keys/verify":                    "POST",
		"/v1/api_keys/" + unknown:             "DELETE, GET, HEAD, PATCH",
		"/v1/api_keys/" + unknown + "/secret": "GET, HEAD",
		"/v1/api_keys/" + unknown + "/revoke": "POST",
		"/v1/api_keys/" + unknown + "/rotate": "POST",
		"/openapi.json":                       "GET, HEAD",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"} {
			w := a.call(t, method, path, "")
			allowed := strings.Contains(", "+allow+",", ", "+method+",")
			if allowed == (w.Code == http.StatusMethodNotAllowed) {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
			if allowed {
				continue
			}
			wantReply(t, w, http.StatusMethodNotAllowed)
			wantError(t, w, "method_not_allowed", "")
			if got := w.Header().Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q; want %q", method, path, got, allow)
			}
		}
	}
}

// Through a server, where HEAD has no body, and where the handler is mounted below a prefix.
func TestServed(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	mux := http.NewServeMux()
	mux.Handle("/admin/", http.StripPrefix("/admin", a))
	mux.Handle("/v1/", a)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, path := range []string{"/admin/api_keys/", "/admin/v1/api_keys/", "/v1/api_keys/"} {
		for _, method := range []string{"GET", "HEAD"} {
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path+id, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			reply, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil || reply.StatusCode != 200 || reply.Header.Get("Content-Type") != "application/json" || (method == "HEAD") != (len(body) == 0) {
				t.Errorf("%s %s: %d, %d bytes, %v", method, path, reply.StatusCode, len(body), err)
			}
		}
	}
}

// With another prefix, that is the one of ids.
func TestPrefix(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, &apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: "sk_live"}})
	id, secret := a.created(t, "deploy")
	digits := strings.TrimPrefix(id, "sk_live_")
	for path, want := range map[string]int{id: 200, "api_key_" + digits: 200, "ak_" + digits: 400, "live_" + digits: 400, "sk_live" + digits: 400} {
		wantReply(t, a.call(t, "GET", "/api_keys/"+path, ""), want)
	}
	if o := a.ok(t, 200, "POST", "/api_keys/verify", `{"secret":"`+secret+`"}`); o["id"] != id {
		t.Errorf("%v", o)
	}
}
