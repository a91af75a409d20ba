package httpauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpauth"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// Where a credential may be, and where not.
func TestSources(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	_, second, _ := refusals(t)
	plain := httpauth.Middleware(v, nil)(whoami)
	withBasic := httpauth.Middleware(v, &httpauth.Options{Basic: true})(whoami)
	tests := []struct {
		what    string
		headers []string
		plain   int
		basic   int // with Options.Basic; 0: the same
	}{
		{"nothing", nil, 401, 0},
		{"Bearer", []string{"Authorization", "Bearer " + good}, 200, 0},
		{"bearer in another case", []string{"Authorization", "bEARER " + good}, 200, 0},
		{"X-API-Key", []string{"X-API-Key", good}, 200, 0},
		{"the key alone", []string{"Authorization", good}, 401, 0},
		{"two spaces", []string{"Authorization", "Bearer  " + good}, 401, 0},
		{"a tab", []string{"Authorization", "Bearer\t" + good}, 401, 0},
		{"a space after", []string{"Authorization", "Bearer " + good + " "}, 401, 0},
		{"no-break space", []string{"Authorization", "Bearer\u00a0" + good}, 401, 0},
		{"next line after", []string{"Authorization", "Bearer " + good + "\u0085"}, 401, 0},
		{"another scheme", []string{"Authorization", "Token " + good}, 401, 0},
		{"empty", []string{"Authorization", ""}, 401, 0},
		{"scheme alone", []string{"Authorization", "Bearer"}, 401, 0},
		{"a list", []string{"Authorization", "Bearer " + good + ", Bearer " + good}, 401, 0},
		{"empty X-API-Key", []string{"X-API-Key", ""}, 401, 0},
		{"Bearer in X-API-Key", []string{"X-API-Key", "Bearer " + good}, 401, 0},
		{"an underscore", []string{"X_API_Key", good}, 401, 0},
		{"a cookie", []string{"Cookie", "Authorization=" + good}, 401, 0},
		{"Proxy-Authorization", []string{"Proxy-Authorization", "Bearer " + good}, 401, 0},

		{"Authorization twice", []string{"Authorization", "Bearer " + good, "Authorization", "Bearer " + good}, 400, 0},
		{"X-API-Key twice", []string{"X-API-Key", good, "X-API-Key", good}, 400, 0},
		{"both", []string{"Authorization", "Bearer " + good, "X-API-Key", good}, 400, 0},
		{"both, one bad", []string{"Authorization", "Bearer x", "X-API-Key", good}, 400, 0},
		{"twice, one of another scheme", []string{"Authorization", "Digest x", "Authorization", "Bearer " + good}, 400, 0},
		{"another scheme beside X-API-Key", []string{"Authorization", "Digest x", "X-API-Key", good}, 200, 0},
		{"a tab, beside X-API-Key", []string{"Authorization", "Bearer\t" + good, "X-API-Key", good}, 400, 0},
		{"no-break space, beside X-API-Key", []string{"Authorization", "Bearer\u00a0" + second, "X-API-Key", good}, 400, 0},
		{"a space before", []string{"Authorization", " Bearer " + good}, 200, 0},
		{"a space before, beside X-API-Key", []string{"Authorization", " Bearer " + second, "X-API-Key", good}, 400, 0},
		{"a tab before, beside X-API-Key", []string{"Authorization", "\t Bearer " + second, "X-API-Key", good}, 400, 0},
		{"no-break space before, beside X-API-Key", []string{"Authorization", "\u00a0Bearer " + second, "X-API-Key", good}, 200, 0}, // another scheme
		{"scheme alone, beside X-API-Key", []string{"Authorization", "Bearer", "X-API-Key", good}, 400, 0},

		{"password", []string{"Authorization", basic("", good)}, 401, 200},
		{"user name", []string{"Authorization", basic(good, "")}, 401, 200},
		{"password, and a user", []string{"Authorization", basic("api", good)}, 401, 200},
		{"user name, and a password", []string{"Authorization", basic(good, "x")}, 401, 200},
		{"basic in another case", []string{"Authorization", "b" + basic("", good)[1:]}, 401, 200},
		{"two keys", []string{"Authorization", basic(good, second)}, 401, 400},
		{"the same key twice", []string{"Authorization", basic(good, good)}, 401, 400},
		{"neither", []string{"Authorization", basic("", "")}, 401, 401},
		{"a refused password, a good user", []string{"Authorization", basic(good, second[:len(second)-1]+"!")}, 401, 200},
		{"no colon", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(good))}, 401, 401},
		{"no base64", []string{"Authorization", "Basic !" + good}, 401, 401},
		{"no padding", []string{"Authorization", strings.TrimRight(basic("a", good), "=")}, 401, 401},
		{"a line break in it", []string{"Authorization", basic("", good)[:20] + "\n" + basic("", good)[20:]}, 401, 401},
		{"Basic beside X-API-Key", []string{"Authorization", basic("", good), "X-API-Key", good}, 200, 400},
		{"a long Basic", []string{"Authorization", basic(strings.Repeat("a", 16<<10), good)}, 401, 401},
		{"a long password", []string{"Authorization", basic("", good+strings.Repeat("a", 5<<10))}, 401, 401},
	}
	for _, test := range tests {
		if test.basic == 0 {
			test.basic = test.plain
		}
		for i, want := range []int{test.plain, test.basic} {
			w := serve([]http.Handler{plain, withBasic}[i], request(t, test.headers...))
			if w.Code != want || (w.Body.String() == "user_good") != (want == 200) {
				t.Errorf("%s: %d %s, want %d (with Basic: %v)", test.what, w.Code, w.Body, want, i == 1)
			}
		}
	}
}

// Basic takes the password; the user name only where that has the form of nothing.
func TestBasicOrder(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	asked := []string{}
	tokens := verify(func(ctx context.Context, credential string) (*apikey.Key, error) {
		asked = append(asked, credential)
		switch credential {
		case "user", "password":
			return apikey.NewKey(&apikey.Record{Prefix: "tok", Subject: credential}), nil
		case "down":
			return nil, fmt.Errorf("%w: %w", apikey.ErrUnavailable, apikey.ErrMalformed)
		}
		return v.Verify(ctx, credential)
	})
	h := httpauth.Middleware(tokens, &httpauth.Options{Basic: true})(whoami)
	for _, test := range []struct {
		user, password, want string
		status               int
		asks                 int
	}{
		{"user", "password", "password", 200, 1},
		{"user", "x", "user", 200, 2},
		{"user", "", "user", 200, 1}, // "" is no b64token
		{"user", "a b", "user", 200, 1},
		{"a\"b", "x", "", 401, 1},
		{"user", bad[5].text, "", 401, 1}, // revoked
		{good, "down", "", 503, 1},
		{"down", "x", "", 503, 2},
	} {
		asked = asked[:0]
		w := serve(h, request(t, "Authorization", basic(test.user, test.password)))
		if w.Code != test.status || w.Code == 200 && w.Body.String() != test.want || len(asked) != test.asks {
			t.Errorf("%q, %.20q: %d %s, asked for %.20q", test.user, test.password, w.Code, w.Body, asked)
		}
	}
	if bad[5].reason != apikey.ErrRevoked {
		t.Error("control: the sixth is not the revoked one")
	}
	// The last letter of this base64 has bits that are left over, which have to be 0.
	for encoded, want := range map[string]int{"YTpwYXNzd29yZA==": 200, "YTpwYXNzd29yZB==": 401} {
		if w := serve(h, request(t, "Authorization", "Basic "+encoded)); w.Code != want {
			t.Errorf("%s: %d", encoded, w.Code)
		}
	}
}

// A key in the URL ends in logs, and is not looked for there.
func TestCVE_2026_26196_NeverFromURL(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	r := request(t)
	for _, name := range []string{"access_token", "api_key", "key", "token", "x-api-key"} {
		r.URL.RawQuery += name + "=" + good + "&"
	}
	if w := serve(httpauth.Middleware(v, nil)(whoami), r); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
}

// What is answered to what: status, challenge, body, and the rest.
func TestAnswers(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	secret := errors.New("db: password hunter2")
	down := fmt.Errorf("%w: %w", apikey.ErrUnavailable, secret)
	tests := []struct {
		what       string
		v          httpauth.Verifier
		headers    []string
		status     int
		challenges []string
		retry      string
	}{
		{"nothing", v, nil, 401, []string{`Bearer realm="a \"b\" \\c"`, `Basic realm="a \"b\" \\c", charset="UTF-8"`}, ""},
		{"rejected", v, []string{"X-API-Key", bad[0].text}, 401, []string{`Bearer realm="a \"b\" \\c", error="invalid_token"`, `Basic realm="a \"b\" \\c", charset="UTF-8"`}, ""},
		{"two", v, []string{"X-API-Key", good, "X-API-Key", good}, 400, []string{`Bearer realm="a \"b\" \\c", error="invalid_request"`, `Basic realm="a \"b\" \\c", charset="UTF-8"`}, ""},
		{"overloaded", always(nil, apikey.ErrOverloaded), []string{"X-API-Key", good}, 503, nil, "3"},
		{"unavailable", always(nil, down), []string{"X-API-Key", good}, 503, nil, "3"},
		{"an error of nobody", always(nil, secret), []string{"X-API-Key", good}, 503, nil, "3"},
		{"canceled", always(nil, context.Canceled), []string{"X-API-Key", good}, 503, nil, "3"},
		{"no key and no error", always(nil, nil), []string{"X-API-Key", good}, 503, nil, "3"},
		{"a failure that wraps another shape", always(nil, fmt.Errorf("%w: %w", apikey.ErrUnavailable, apikey.ErrMalformed)), []string{"X-API-Key", good}, 503, nil, "3"},
		{"a failure that wraps a rejection", always(nil, fmt.Errorf("%w: %w", apikey.ErrUnavailable, apikey.ErrRevoked)), []string{"X-API-Key", good}, 503, nil, "3"},
		{"a rejection of a Verifier's own", always(nil, fmt.Errorf("%w: %w", apikey.ErrRejected, secret)), []string{"X-API-Key", good}, 401,
			[]string{`Bearer realm="a \"b\" \\c", error="invalid_token"`, `Basic realm="a \"b\" \\c", charset="UTF-8"`}, ""},
		{"a mistake of the client's that a Verifier claims", always(nil, httpauth.ErrNoCredential), []string{"X-API-Key", good}, 401,
			[]string{`Bearer realm="a \"b\" \\c"`, `Basic realm="a \"b\" \\c", charset="UTF-8"`}, ""},
	}
	for _, test := range tests {
		// Anonymous changes none of these but the first.
		o := &httpauth.Options{Realm: "a \"b\"\r\n \\c\u00e4", Basic: true, Anonymous: test.headers != nil, RetryAfter: 2001 * time.Millisecond}
		w := serve(httpauth.Middleware(test.v, o)(whoami), request(t, test.headers...))
		h := w.Header()
		if w.Code != test.status || strings.Join(h.Values("WWW-Authenticate"), "|") != strings.Join(test.challenges, "|") || h.Get("Retry-After") != test.retry {
			t.Errorf("%s: %d %v", test.what, w.Code, h)
		}
		if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Authorization, X-API-Key" {
			t.Errorf("%s: %v", test.what, h)
		}
		var problem struct {
			Type, Title, Detail string
			Status              int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Status != test.status || problem.Title != http.StatusText(test.status) || problem.Type != "about:blank" || problem.Detail == "" {
			t.Errorf("%s: %v %s", test.what, err, w.Body)
		}
		if strings.Contains(w.Body.String()+fmt.Sprint(h), "hunter2") {
			t.Errorf("%s: it tells what is nobody's business", test.what)
		}
	}
	w := serve(httpauth.Middleware(v, nil)(whoami), request(t))
	if c := w.Header().Values("WWW-Authenticate"); len(c) != 1 || c[0] != "Bearer" {
		t.Errorf("without options: %q", c)
	}
	w = serve(httpauth.Middleware(v, &httpauth.Options{Basic: true})(whoami), request(t))
	if c := w.Header().Values("WWW-Authenticate"); len(c) != 2 || c[1] != `Basic realm="api", charset="UTF-8"` {
		t.Errorf("Basic without a realm: %q", c)
	}
	for wait, want := range map[time.Duration]string{0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", math.MaxInt64: "9223372037"} {
		w = serve(httpauth.Middleware(always(nil, down), &httpauth.Options{RetryAfter: wait})(whoami), request(t, "X-API-Key", "x"))
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q after %v", got, wait)
		}
	}
	w = serve(httpauth.Middleware(v, nil)(whoami), request(t, "X-API-Key", "x"))
	if c := w.Header().Values("WWW-Authenticate"); len(c) != 1 || c[0] != `Bearer error="invalid_token"` {
		t.Errorf("without options: %q", c)
	}
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	v, good, bad := refusals(t)
	h := httpauth.Middleware(v, &httpauth.Options{Anonymous: true})(whoami)
	for _, test := range []struct {
		what    string
		headers []string
		want    string
	}{
		{"nothing", nil, "nobody"},
		{"a good key", []string{"X-API-Key", good}, "user_good"},
		{"a bad key", []string{"X-API-Key", bad[0].text}, ""},
		{"another scheme", []string{"Authorization", "Digest x"}, ""},
		{"an empty header", []string{"Authorization", ""}, ""},
		{"an empty key", []string{"X-API-Key", ""}, ""},
		{"two", []string{"X-API-Key", good, "X-API-Key", good}, ""},
	} {
		w := serve(h, request(t, test.headers...))
		if got := w.Body.String(); (w.Code == 200) != (test.want != "") || w.Code == 200 && got != test.want {
			t.Errorf("%s: %d %s", test.what, w.Code, got)
		}
		if w.Header().Get("Vary") == "" {
			t.Errorf("%s: a cache would give it to others", test.what)
		}
	}
}

// Caches in between must not give one caller's answer to another.
func TestCaching(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	says := func(value string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Add("Vary", "Accept")
			if value != "" {
				w.Header().Set("Cache-Control", value)
			}
		})
	}
	for _, test := range []struct{ header, value, outside, handler, want string }{
		{"Authorization", "Bearer " + good, "", "", ""},
		{"X-API-Key", good, "", "", "private"},
		{"X-API-Key", good, "", "max-age=5", "max-age=5"},
		{"X-API-Key", good, "no-cache", "", "no-cache"},
		{"X-API-Key", good, "no-cache", "max-age=5", "max-age=5"},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Origin")
		if test.outside != "" {
			w.Header().Set("Cache-Control", test.outside)
		}
		httpauth.Middleware(v, nil)(says(test.handler)).ServeHTTP(w, request(t, test.header, test.value))
		h := w.Header()
		if h.Get("Cache-Control") != test.want || strings.Join(h["Vary"], "|") != "Origin|Authorization, X-API-Key|Accept" {
			t.Errorf("%s, %s: %v", test.header, test.outside, h)
		}
	}
	// A refusal is not the representation that something outside has described.
	w := httptest.NewRecorder()
	for name, value := range map[string]string{"Cache-Control": "public", "Etag": `"1"`, "Content-Length": "5", "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT", "X-Other": "1"} {
		w.Header().Set(name, value)
	}
	httpauth.Middleware(v, nil)(says("")).ServeHTTP(w, request(t))
	if h := w.Header(); h.Get("Cache-Control") != "no-store" || h["Etag"] != nil || h["Content-Length"] != nil || h["Last-Modified"] != nil || h.Get("X-Other") != "1" {
		t.Errorf("%v", h)
	}
}

func TestCVE_2022_31130_RemoveCredential(t *testing.T) {
	t.Parallel()
	v, good, _ := refusals(t)
	for name, value := range map[string]string{"Authorization": "Bearer " + good, "X-API-Key": good} {
		for _, remove := range []bool{true, false} {
			var seen http.Header
			h := httpauth.Middleware(v, &httpauth.Options{RemoveCredential: remove})(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				seen = r.Header
				r.Header.Add("Accept", "changed")
			}))
			r := request(t, name, value, "Accept", "a")
			serve(h, r)
			if (seen.Get(name) == "") != remove {
				t.Errorf("%s, %v: %v", name, remove, seen)
			}
			if r.Header.Get(name) != value || remove && len(r.Header["Accept"]) != 1 {
				t.Errorf("%s: the caller's headers were touched: %v", name, r.Header)
			}
		}
	}
}

// What can't be meant stops the program when routes are set up, not when they are called.
func TestWrongSetup(t *testing.T) {
	t.Parallel()
	v := always(nil, apikey.ErrUnknown)
	for what, f := range map[string]func(){
		"no Verifier":         func() { httpauth.Middleware(nil, nil) },
		"no handler":          func() { httpauth.Middleware(v, nil)(nil) },
		"negative RetryAfter": func() { httpauth.Middleware(v, &httpauth.Options{RetryAfter: -1}) },
		"Forward":             func() { httpauth.Forward(nil, nil) },
		"a Verifier of nothing": func() {
			var none *apikey.Verifier // NewVerifier's error was not looked at
			httpauth.Middleware(none, nil)
		},
		"AnyOf of none":   func() { httpauth.AnyOf() },
		"AnyOf":           func() { httpauth.AnyOf(v, nil) },
		"scope":           func() { httpauth.RequireScopes("a b") },
		"empty scope":     func() { httpauth.RequireScopes("") },
		"scope's handler": func() { httpauth.RequireScopes("a")(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
}
