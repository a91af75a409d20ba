package openapi_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// input is what a request may say at one place, well and badly: JSON in bodies, text elsewhere.
type input struct {
	operation
	place     string // of a member, or of a parameter; "": the whole body
	good, bad []string
}

func text(n int, of string) string { return `"` + strings.Repeat(of, n) + `"` }

func listOf(n int, of string) string { return "[" + strings.Repeat(of+",", n-1) + of + "]" }

var (
	user  = strings.Repeat("a", 27)
	whole = []string{"[]", `"x"`, "1", "true", "{", "}", "x", `{"unheard_of":1}`, `{"secret":"x","name":"abc"}`}

	descriptions = input{place: "description", good: []string{"null", `""`, `"x"`, `" x "`, text(255, "\u00e9"), text(255, `\ud83d\ude00`)},
		bad: []string{text(256, "x"), "1", "[]", "{}", "false", `"\u0000"`, `"\n"`, `"\u007f"`, `"\u0085"`}}
	claims = input{place: "claims",
		good: []string{"null", "{}", `{"a":{"a":1}}`, "[]", `"x"`, `"\u0000"`, "0", "true", "123456789012345678901234567890"}}
	scopes = input{place: "scopes", good: []string{"[]", `["read"]`, `["read","read"]`, `["a:b/c*!~"]`, listOf(100, `"s"`), "[" + text(255, "s") + "]"},
		bad: []string{"null", `"read"`, "{}", "1", "[null]", "[1]", `["read",null]`, `[["read"]]`, `[""]`, `["two words"]`, `["a\"b"]`, `["a\\b"]`,
			`["é"]`, `["\u0000"]`, `["\u007f"]`, listOf(101, `"s"`), "[" + text(256, "s") + "]"}}
	lifetimes = input{place: "seconds_until_expiration",
		good: []string{"null", "1", "1.0", "3600.0", "36e2", "36E+2", "3600000e-3", "1.5", "1.0005", "3153600000", "3153600000.0", "3.1536e9"},
		bad:  []string{"0", "-0", "0.999", "0.9999", "-1", "3153600001", "3153600000.001", "3153600000.0009", "1e10", "1e99", `"3600"`, `""`, "true", "[]", "{}"}}
	subjects = input{place: "subject",
		good: []string{quote("user_" + user), quote("org_" + strings.Repeat("_", 27)), quote("mch_" + strings.Repeat("0", 27)),
			quote("scim_" + strings.Repeat("Z", 27))},
		bad: []string{"null", `""`, `"user_"`, "1", "[]", quote("user_" + user[1:]), quote("user_" + user + "a"), quote("team_" + user),
			quote("User_" + user), quote("user_" + user[1:] + "-"), quote("user_" + user[1:] + "é"),
			quote(" user_" + user), quote("user_" + user + `\n`), quote("user_" + user + " ")}}
)

func quote(s string) string { return `"` + s + `"` }

// of returns the input as one of another operation.
func (in input) of(o operation) input {
	in.operation = o
	return in
}

var inputs = []input{
	{create, "", nil, append([]string{"", "null", "{}", `{"name":"abc"}`, quote(subject)}, whole...)},
	{create, "name",
		[]string{`"abc"`, text(255, "a"), text(255, "\u00e9"), text(3, `\ud83d\ude00`), `"a b"`, `"a` + "\u3000" + `b"`, `"<&>"`},
		[]string{"null", `""`, `"ab"`, text(2, `\ud83d\ude00`), text(256, "a"), `" abc"`, `"abc "`, `"\u00a0abc"`, `"abc\ufeff"`, `"a\tb"`,
			`"a\nb"`, `"a\u2028b"`, `"a\u2029b"`, `"a\u0000b"`, `"a\u007fb"`, `"a\u0085b"`, "1", "true", `["abc"]`, `{"a":"abc"}`}},
	{create, "type", []string{`"api_key"`, `"abc"`, `" b "`, text(25, "t"), text(25, "\u00e9")},
		[]string{"null", `""`, `"ab"`, text(26, "t"), "1", "[]", `"a\u0000b"`}},
	{create, "created_by", []string{"null", quote("user_" + user)},
		[]string{`""`, `"me"`, "1", "{}", quote("org_" + user), quote("user_" + user[1:]), quote("user_" + user + "a"), quote("user_" + user + `\n`)}},
	{create, "revocation_reason", nil, []string{"null", `"x"`}},
	{create, "Name", nil, []string{`"abc"`}}, // encoding/json would take it for name
	subjects.of(create), descriptions.of(create), claims.of(create), scopes.of(create), lifetimes.of(create),

	{update, "", []string{"{}"}, append([]string{"", "null"}, whole...)},
	{update, "name", nil, []string{`"abc"`, "null"}},
	{update, "type", nil, []string{`"api_key"`, "null"}},
	{update, "created_by", nil, []string{quote("user_" + user), "null"}},
	subjects.of(update), descriptions.of(update), claims.of(update), scopes.of(update), lifetimes.of(update),

	{verify, "", nil, append([]string{"", "null", "{}"}, whole...)},
	{verify, "secret", []string{`"x"`, `" "`, `"\u0000"`, text(60_000, "x")}, []string{"null", `""`, "1", "[]", "{}", "true"}},

	{remove, "", []string{"", "null", "{}"}, append([]string{`{"id":"x"}`}, whole...)},
	{revoke, "", []string{"", "null", "{}"}, whole},
	{revoke, "revocation_reason", []string{"null", `""`, `"x"`, text(1024, "\u00e9")},
		[]string{text(1025, "x"), "1", "[]", "{}", "true", `"\u0000"`, `"\n"`}},
	{rotate, "", []string{"", "null", "{}"}, whole},
	{rotate, "grace_seconds", []string{"null", "0", "-0", "0.0", "0e9", "1", "1.0", "1.5", "3600", "3153600000"},
		[]string{"0.5", "0.0001", "0.999", "-1", "-0.001", "3153600001", "3153600000.001", `"0"`, `""`, "false", "[]", "{}"}},

	{list, "", []string{"subject=" + subject, "x=1&x=2&subject=" + subject, "subject=" + subject + "&limit=1&offset=0"},
		[]string{"", "limit=1", "Subject=" + subject, "subject=" + subject + "&subject=" + subject, "limit=1&limit=1&subject=" + subject,
			"subject=" + subject + "&query=%", "subject=" + subject + ";limit=1"}},
	{list, "subject", []string{subject, "scim_" + user}, []string{"", "user_", "user_" + user + "\n", "team_" + user, "user_" + user[1:], "null"}},
	{list, "type", []string{"api_key", "abc", " b ", strings.Repeat("t", 25), strings.Repeat("\u00e9", 25)},
		[]string{"", "ab", strings.Repeat("t", 26), "a\x00b"}},
	{list, "include_invalid", []string{"true", "false"}, []string{"", "1", "0", "TRUE", "yes", "null", " true"}},
	{list, "limit", []string{"1", "100", "10.0", "1e1", "1E+2", "10e-1"},
		[]string{"", "0", "-1", "101", "1.5", "1e3", "0.1", "ten", "true", "null", "+1", "01", " 1", "1 ", "0x1", "\"1\"", "[1]"}},
	{list, "offset", []string{"0", "-0", "0.0", "1", "1000", "1e3", "9007199254740992"},
		[]string{"", "-1", "0.5", "9007199254740993", "1e16", "null", "x"}},
	{list, "query", []string{"", " ", "x", "%_", strings.Repeat("\u00e9", 255), "null"},
		[]string{strings.Repeat("x", 256), "\n", "a\x7fb", "\u0085"}},
	{list, "unheard_of", []string{"", "x"}, nil},

	ids.of(get), ids.of(update), ids.of(remove), ids.of(secret), ids.of(revoke), ids.of(rotate),
}

var ids = input{place: "id",
	good: []string{unknown, "api_key_" + unknown[3:], "ak_" + strings.Repeat("aF", 16)},
	bad: []string{"x", "ak_", unknown[1:], unknown[3:], unknown + "0", unknown[:34], "AK_" + unknown[3:], "sk_" + unknown[3:], "_" + unknown[3:],
		"ak_" + strings.Repeat("0g", 16), "ak-" + unknown[3:], unknown + "\n", " " + unknown, "ak_" + strings.Repeat("é", 16)}}

// request returns a request with a value at the place of the input.
func (in input) request(id, value string) (forID, query, body string) {
	switch {
	case in.place == "id":
		if in.operation == update {
			body = "{}"
		}
		return value, "", body
	case in.operation == list && in.place == "":
		return "", value, ""
	case in.operation == list:
		query = in.place + "=" + url.QueryEscape(value)
		if in.place != "subject" {
			query += "&subject=" + subject
		}
		return "", query, ""
	case in.place == "":
		return id, "", value
	}
	required := map[string]string{"name": `"abc"`, "subject": quote(subject)}
	members := []string{fmt.Sprintf("%q:%s", in.place, value)}
	for name, good := range required {
		if in.operation == create && name != in.place {
			members = append(members, fmt.Sprintf("%q:%s", name, good))
		}
	}
	return id, "", "{" + strings.Join(members, ",") + "}"
}

// verdict is what the handlers made of a request.
type verdict struct {
	operation
	place, value    string
	id, query, body string
	accepted, want  bool
	refusal         string // the reply, if it is one
}

// verdicts makes every request of the inputs, each on a key of its own.
func verdicts(t *testing.T) (all []verdict) {
	t.Helper()
	h := newAPI(t, httpapi.Options{}, nil)
	for _, in := range inputs {
		try := func(value string, want bool) {
			key, _ := h.Keys.Create(t, apikey.CreateParams{Subject: subject})
			id, query, body := in.request(key.ID(), value)
			var s session
			status := s.do(t.Context(), h, in.operation, id, query, body)
			if status >= 500 || status == 401 {
				t.Fatalf("%s, %s, %.80q: %d", in.operation, in.place, value, status)
			}
			v := verdict{in.operation, in.place, value, id, query, body, status != 400, want, ""}
			if !v.accepted {
				v.refusal = s.all[0].Body.String()
			}
			all = append(all, v)
		}
		for _, value := range in.good {
			try(value, true)
		}
		for _, value := range in.bad {
			try(value, false)
		}
	}
	return all
}

// contradictions says where the document takes what the handlers do not, or the other way round.
func contradictions(d *document, all []verdict) (problems []string) {
	for _, v := range all {
		err := d.request(v.operation, v.id, v.query, v.body)
		if (err == nil) != v.accepted {
			problems = append(problems, fmt.Sprintf("%s, %q %.80q %.80q: accepted %v, by the document: %v",
				v.operation, v.id, v.query, v.body, v.accepted, err))
		}
	}
	return problems
}

// The document takes exactly what the handlers take.
func TestInputs(t *testing.T) {
	t.Parallel()
	all := verdicts(t)
	for _, v := range all {
		if v.accepted != v.want {
			t.Errorf("%s, %s, %.80q: accepted %v %s", v.operation, v.place, v.value, v.accepted, v.refusal)
		}
	}
	for _, problem := range contradictions(parsed(t, served(t)), all) {
		t.Error(problem)
	}
}
