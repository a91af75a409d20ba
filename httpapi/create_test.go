package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// with returns a create body in which member is set to a JSON text; "": without it.
func with(member, value string) string {
	members := [][2]string{{"name", `"deploy"`}, {"subject", `"` + subject + `"`}}
	found := false
	var parts []string
	for _, m := range members {
		if m[0] == member {
			found = true
			m[1] = value
		}
		if m[1] != "" {
			parts = append(parts, `"`+m[0]+`":`+m[1])
		}
	}
	if !found {
		parts = append(parts, `"`+member+`":`+value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func text(n int, of string) string { return `"` + strings.Repeat(of, n) + `"` }

var creates = []struct {
	member string
	good   []string
	bad    []string
}{
	{"name",
		[]string{`"abc"`, text(255, "a"), text(255, "\u00e9"), `"a b"`, `"a\u0020b"`, `"\ud83d\ude00xy"`, `"\uD83D\uDE00xy"`, `"äöü"`, `"a` + "\u3000" + `b"`, `"<&>"`},
		[]string{"", "null", `""`, `"ab"`, text(256, "a"), `" abc"`, `"abc "`, `"\u00a0abc"`, `"abc\ufeff"`, `"a\tb"`, `"a\nb"`, `"a\u2028b"`, `"a\u0000b"`, `"a\u007fb"`,
			"1", "true", `["abc"]`, `{"a":"abc"}`, "\"ab\xff\"", `"ab\ud800"`, `"ab\udc00\ud800"`, `"ab\ud800x"`, `"ab\ud800\u0041"`, `"ab\uD800"`, `"ab\uD800\uE000"`, `"ab\ud800Xudc00"`, `"ab\ud800\ue000"`, `"a` + "\x00" + `b"`, `abc`, nested(100)}},
	{"subject",
		[]string{`"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"`, `"org_` + strings.Repeat("_", 27) + `"`, `"mch_` + strings.Repeat("0", 27) + `"`, `"scim_` + strings.Repeat("Z", 27) + `"`},
		[]string{"", "null", `""`, `"user_"`, `"user_` + strings.Repeat("a", 26) + `"`, `"user_` + strings.Repeat("a", 28) + `"`, `"team_` + strings.Repeat("a", 27) + `"`,
			`"User_` + strings.Repeat("a", 27) + `"`, `"user_` + strings.Repeat("a", 26) + `-"`, `"user_` + strings.Repeat("a", 26) + `é"`, `" user_` + strings.Repeat("a", 27) + `"`,
			`"user_` + strings.Repeat("a", 27) + `\n"`, "7", "[]"}},
	{"type",
		[]string{`"api_key"`, `"abc"`, text(25, "t")},
		[]string{"null", `""`, `"ab"`, text(26, "t"), "1", `"a\u0000b"`}},
	{"description",
		[]string{"null", `""`, `"x"`, text(255, "\u00e9")},
		[]string{text(256, "x"), "1", "[]", `"\u0000"`, `"\n"`}},
	{"claims",
		[]string{"null", "{}", `{"a":{"a":1}}`, "[]", `"x"`, "0", "1e400", "123456789012345678901234567890", "true", nested(64), `{"":1}`, `[{"a":1},{"a":1}]`, `{"a":"\u0000"}`,
			text(16<<10-2, "x"), `{"a":"a","b":"a"}`, `{"a":["a","a"],"b":"b"}`},
		[]string{`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `[{"b":{"a":1,"a":1}}]`, nested(65), nested(20_000), strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), text(16<<10-1, "x"),
			`"\ud800"`, `{"\udfff":1}`, "\"\xff\"", "01", "1.", ".5", "+1", "NaN", "1e", "'x'", "[1,]", `{"a"}`, "tru", "\"\x01\""}},
	{"scopes",
		[]string{"[]", `["read"]`, `["read","read"]`, `["org:sys_api_keys:read"]`, "[" + strings.Repeat(`"s",`, 99) + `"s"]`, "[" + text(255, "s") + "]"},
		[]string{"null", `"read"`, "{}", "[null]", "[1]", `["read",null]`, `[["read"]]`, `[""]`, `["two words"]`, `["a\"b"]`, `["a\\b"]`, `["é"]`, `["\u0000"]`,
			"[" + strings.Repeat(`"s",`, 100) + `"s"]`, "[" + text(256, "s") + "]", "[" + nested(100) + "]"}},
	{"created_by",
		[]string{"null", `"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"`},
		[]string{`""`, `"org_2xhFjEI5X2qWRvtV13BzSj8H6Dk"`, `"me"`, "1", "{}"}},
	{"seconds_until_expiration",
		[]string{"null", "1", "1.0", "3600.0", "36e2", "36E+2", "3600000e-3", "1.0005", "3153600000", "3.1536e9", "1.5", "3153600000.000", "0.001e3", "1e0000000000000000000000001"},
		[]string{"0", "-0", "0.999", "-1", "-3600", "3153600001", "3153600000.001", "3153600000.0009", "18446744075.71", "1.844674407571e10", "1e999999999", "1e99999999999999999999999", "1e-999999999", "1e-99999999999999999999999", "-1e999999999",
			strings.Repeat("9", 10_000), "1e10", `"3600"`, "true", "[]", "{}", "0x10", "1_000", "Infinity", "1e"}},
	{"unheard_of", nil, []string{"1", "null", `"` + subject + `"`}},
	{"Name", nil, []string{`"deploy"`}}, // encoding/json would take it for name
}

func TestCreateBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, &noUniqueNames)
	for _, c := range creates {
		param := c.member
		if param == "Name" { // is not repeated
			param = ""
		}
		for _, value := range c.good {
			if w := a.call(t, "POST", "/api_keys", with(c.member, value)); w.Code != http.StatusCreated {
				t.Errorf("%s %.80q: %d %s", c.member, value, w.Code, w.Body)
			}
		}
		for _, value := range c.bad {
			a.refused(t, 400, "bad_request", param, "POST", "/api_keys", with(c.member, value))
			if t.Failed() {
				t.Fatalf("%s: %.80q", c.member, value)
			}
		}
	}
}

func TestCreateBodiesAsAWhole(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	good := with("name", `"deploy"`)
	for body, param := range map[string]string{
		"": "", "null": "", "[]": "", `"x"`: "", "1": "", "{": "", "}": "", "\x00": "", "\xff": "", "\xef\xbb\xbf" + good: "", good + good: "", good + ",": "", good + "\x00": "",
		good[:len(good)-1]: "subject", good[:len(good)/2]: "subject", "{}": "name", `{"name"}`: "name", `{"name":"abc}`: "name", `{"name":"abc,"subject":1}`: "name", `{"name":`: "name", `{"name":}`: "name", `{1:2}`: "", `{"name":"abc",}`: "name",
		`{,"name":"abc"}`: "", nested(100_000): "", strings.Repeat(`{"name":`, 100): "name",
		`{"name":"deploy","name":"deploy"}`: "name", `{"name":"deploy","n\u0061me":"deploy"}`: "name",
		`{"` + strings.Repeat("a", 33) + `":1}`: "", `{"ak_secret1":1}`: "", `{"":1}`: "", `{"\u0000":1}`: "", "{\"\xff\":1}": "", `{"\ud800":1}`: "",
		`{"name":"` + strings.Repeat("a", 64<<10) + `"}`: "", good + strings.Repeat(" ", 64<<10): "",
	} {
		if a.refused(t, 400, "bad_request", param, "POST", "/api_keys", body); t.Failed() {
			t.Fatalf("%.80q", body)
		}
	}
	a.ok(t, 201, "POST", "/api_keys", good+strings.Repeat("\n", 64<<10-len(good)))
	a.refused(t, 400, "bad_request", "", "POST", "/api_keys", good+strings.Repeat("\n", 64<<10+1-len(good)))
}

// A connection that ends before the body does.
func TestCutOffBody(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	good := with("name", `"deploy"`)
	for _, target := range []string{"/api_keys", "/api_keys/verify", "/api_keys/" + unknown + "/revoke"} {
		w := a.send(t.Context(), "POST", target, &cut{text: good}, "Authorization", "Bearer "+token)
		wantReply(t, w, 400)
		wantError(t, w, "bad_request", "")
	}
	if list := a.ok(t, 200, "GET", "/api_keys?subject="+subject, ""); list["total_count"] != 0.0 {
		t.Errorf("%v", list)
	}
}

type cut struct{ text string }

func (c *cut) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, fmt.Errorf("canary")
	}
	n := copy(p, c.text)
	c.text = c.text[n:]
	return n, nil
}

func TestExpiration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, nil, &noUniqueNames)
		for value, want := range map[string]time.Duration{
			"1": time.Second, "1.0019": 1001 * time.Millisecond, "60.0": time.Minute, "36e2": time.Hour, "1.5e0": 1500 * time.Millisecond, "3153600000": 100 * 365 * 24 * time.Hour,
		} {
			o := a.ok(t, 201, "POST", "/api_keys", with("seconds_until_expiration", value))
			if got := o["expiration"].(float64) - o["created_at"].(float64); got != float64(want.Milliseconds()) {
				t.Errorf("%s: %v ms; want %v", value, got, want)
			}
		}
		o := a.ok(t, 201, "POST", "/api_keys", with("seconds_until_expiration", "1"))
		body := `{"secret":"` + o["secret"].(string) + `"}`
		a.ok(t, 200, "POST", "/api_keys/verify", body)
		time.Sleep(time.Second)
		a.refused(t, 404, "resource_not_found", "", "POST", "/api_keys/verify", body)
		if o := a.ok(t, 200, "GET", "/api_keys/"+o["id"].(string), ""); o["expired"] != true || o["revoked"] != false {
			t.Errorf("%v", o)
		}
	})
}

// A name is taken by one key of a subject, be it expired, until that is revoked.
func TestNames(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, nil)
	id, _ := a.created(t, "deploy")
	a.refused(t, 409, "token_creation_conflict", "name", "POST", "/api_keys", with("name", `"deploy"`))
	a.created(t, "Deploy")
	a.ok(t, 201, "POST", "/api_keys", with("subject", `"`+other+`"`))
	a.ok(t, 200, "POST", "/api_keys/"+id+"/revoke", "")
	a.created(t, "deploy")
}

// Generated clients take one status, and which it is depends on their age.
func TestCreateStatus(t *testing.T) {
	t.Parallel()
	a := newAPI(t, nil, &noUniqueNames)
	for agent, want := range map[string]int{
		"": 201, "curl/8.5.0": 201, "@clerk/backend@3.25.0": 201, "Clerk/v1 SDK-Go/v2.0.0": 201,
		"speakeasy-sdk/python 6.0.1 2.904.2 2026-05-12 clerk-backend-api": 201,
		"speakeasy-sdk/python 5.0.4 2.0 x":                                201, "speakeasy-sdk/python 5.0.10": 201, "speakeasy-sdk/python 5.1.0": 201, "speakeasy-sdk/python 10.0.0": 201,
		"speakeasy-sdk/python 5.0.3 2.0 x": 200, "speakeasy-sdk/python 4.9.9": 200, "speakeasy-sdk/python 5.0": 200, "speakeasy-sdk/python 5.0.x": 200, "speakeasy-sdk/python": 200,
		"speakeasy-sdk/ruby 7.0.0 2.9 x clerk-http-client": 200, "speakeasy-sdk/java 4.1.5": 200, "speakeasy-sdk/csharp 0.19.0": 200, "speakeasy-sdk/": 200,
		"x speakeasy-sdk/python 5.0.3": 201, "speakeasy-sdk/pythonic 6.0.0": 200, "speakeasy-sdk/python -6.0.0": 200, "speakeasy-sdk/python 99999999999999999999.0.0": 200,
	} {
		w := a.send(t.Context(), "POST", "/api_keys", strings.NewReader(with("name", `"deploy"`)), "Authorization", "Bearer "+token, "User-Agent", agent)
		if wantReply(t, w, want); t.Failed() {
			t.Fatal(agent)
		}
	}
	for _, status := range []int{200, 201} {
		b := newAPI(t, &httpapi.Options{CreateStatus: status}, nil)
		for i, agent := range []string{"speakeasy-sdk/python 6.0.1", "speakeasy-sdk/ruby 7.0.0"} {
			body := with("name", fmt.Sprintf(`"deploy %d"`, i))
			wantReply(t, b.send(t.Context(), "POST", "/api_keys", strings.NewReader(body), "Authorization", "Bearer "+token, "User-Agent", agent), status)
		}
	}
}

// With a rule of its own for subjects, a server takes any.
func TestValidSubject(t *testing.T) {
	t.Parallel()
	a := newAPI(t, &httpapi.Options{ValidSubject: func(s string) bool { return s != "root" }}, nil)
	a.ok(t, 201, "POST", "/api_keys", `{"name":"deploy","subject":"team é","created_by":"me"}`)
	a.refused(t, 400, "bad_request", "subject", "POST", "/api_keys", `{"name":"deploy","subject":"root"}`)
	a.refused(t, 400, "bad_request", "subject", "POST", "/api_keys", `{"name":"deploy","subject":""}`)
	a.refused(t, 400, "bad_request", "subject", "GET", "/api_keys?subject=root", "")
	if o := a.ok(t, 200, "GET", "/api_keys?subject=team%20%C3%A9", ""); o["total_count"] != 1.0 {
		t.Errorf("%v", o)
	}
}
