package openapi_test

import (
	"strings"
	"testing"
)

// What is wrong with the document is found: a copy of it that is broken at one place fails the
// check that is for this.
func TestBrokenDocuments(t *testing.T) {
	t.Parallel()
	var s session
	s.everyStatus(t)
	s.particulars(t)
	all := verdicts(t)
	routes := probes(t, []string{""})
	checks := map[string]func(*document) []string{
		"replies": func(d *document) []string { return wrongReplies(d, s.all) },
		"inputs":  func(d *document) []string { return contradictions(d, all) },
		"routes":  func(d *document) []string { return unlike(d, routes) },
	}
	good := string(served(t))
	sound := map[string]int{}
	for name, check := range checks {
		sound[name] = len(check(parsed(t, []byte(good)))) // 0, or other tests fail
	}
	for _, c := range []struct{ what, check, old, new string }{
		{"a field more", "replies", `"created_at", "updated_at"`, `"created_at", "updated_at", "colour"`},
		{"a field less", "replies", `          "expired": {"type": "boolean"},`, ``},
		{"another type", "replies", `"created_at": {"type": "integer"}`, `"created_at": {"type": "string"}`},
		{"not null", "replies", `"last_used_at": {"type": ["integer", "null"]`, `"last_used_at": {"type": "integer"`},
		{"never a value", "replies", `"last_used_at": {"type": ["integer", "null"]`, `"last_used_at": {"type": "null"`},
		{"never expired", "replies", `"expired": {"type": "boolean"}`, `"expired": {"const": false}`},
		{"another form of secrets", "replies", `{72}$`, `{71}$`},
		{"no secret", "replies", `"required": ["secret"],
        "properties": {"secret": {"type": "string", "pattern"`, `"properties": {"sekret": {"type": "string", "pattern"`},
		{"another content type", "replies", `"description": "The key.",
        "content": {"application/json"`, `"description": "The key.",
        "content": {"application/json; charset=utf-8"`},
		{"a header more", "replies", `"headers": {"Retry-After": {`,
			`"headers": {"X-Colour": {"$ref": "#/components/headers/Retry-After"}, "Retry-After": {`},
		{"a header less", "replies", `"headers": {"Retry-After": {"$ref": "#/components/headers/Retry-After"}},`, ``},
		{"another header", "replies", `{"type": "integer", "minimum": 1}`, `{"type": "integer", "minimum": 2}`},
		{"a status less", "replies", `"409": {"$ref": "#/components/responses/Conflict"},`, ``},
		{"a status more", "replies", `"409": {"$ref": "#/components/responses/Conflict"},`,
			`"409": {"$ref": "#/components/responses/Conflict"}, "410": {"$ref": "#/components/responses/Conflict"},`},
		{"a reference to nothing", "replies", `#/components/responses/Conflict`, `#/components/responses/Konflict`},
		{"a schema that is none", "replies", `"deleted": {"const": true}`, `"deleted": {"type": "truth"}`},

		{"a required member more", "inputs", `"required": ["name", "subject"]`, `"required": ["name", "subject", "type"]`},
		{"a required member less", "inputs", `"required": ["name", "subject"]`, `"required": ["name"]`},
		{"any members", "inputs", `"additionalProperties": false,
        "required": ["name"`, `"required": ["name"`},
		{"a member less", "inputs", `"created_by": {"$ref"`, `"created_bye": {"$ref"`},
		{"shorter names", "inputs", `"type": "string", "minLength": 3, "maxLength": 255`, `"type": "string", "minLength": 2, "maxLength": 255`},
		{"longer names", "inputs", `"type": "string", "minLength": 3, "maxLength": 255`, `"type": "string", "minLength": 3, "maxLength": 256`},
		{"names with white space", "inputs", `"^(\\S(.*\\S)?)?$"`, `".*"`},
		{"names on two lines", "inputs", `"^(\\S(.*\\S)?)?$"`, `"^(\\S([^\\x00]*\\S)?)?$"`},
		{"control characters", "inputs", `\\x7f-\\x9f]*$`, `\\x7f]*$`},
		{"longer descriptions", "inputs", `"type": ["string", "null"], "maxLength": 255}`, `"type": ["string", "null"], "maxLength": 256}`},
		{"other subjects", "inputs", `|scim)`, `|scim|team)`},
		{"more scopes", "inputs", `"maxItems": 100,
        "items"`, `"maxItems": 101,
        "items"`},
		{"other scopes", "inputs", `\\x23-\\x5B\\x5D-\\x7E]+$`, `\\x23-\\x7E]+$`},
		{"a longer life", "inputs", `"minimum": 1, "maximum": 3153600000
`, `"minimum": 1, "maximum": 3153600001
`},
		{"a shorter life", "inputs", `["number", "null"], "minimum": 1`, `["number", "null"], "exclusiveMinimum": 1`},
		{"whole seconds", "inputs", `["number", "null"], "minimum": 1`, `["integer", "null"], "minimum": 1`},
		{"no grace of 0", "inputs", `{"const": 0}, `, ``},
		{"a body that must be there", "inputs", `"requestBody": {"content"`, `"requestBody": {"required": true, "content"`},
		{"a body that need not be there", "inputs", `"requestBody": {"required": true, "content"`, `"requestBody": {"content"`},
		{"a parameter that need not be there", "inputs", `"in": "query", "required": true`, `"in": "query"`},
		{"a larger page", "inputs", `"maximum": 100, "default": 10`, `"maximum": 101, "default": 10`},
		{"a smaller page", "inputs", `"maximum": 100, "default": 10`, `"maximum": 99, "default": 10`},
		{"other ids", "inputs", `"^(ak|api_key)_[0-9A-Fa-f]{32}$"`, `"^(ak|api_key)_[0-9a-f]{32}$"`},

		{"a path less", "routes", `"/api_keys/{id}/rotate": {`, `"/api_keys/{id}/rotate/x": {`},
		{"a path more", "routes", `"/openapi.json": {`, `"/openapi.yaml": {"get": {}}, "/openapi.json": {`},
		{"another method", "routes", `"patch": {`, `"put": {`},
		{"a path that is not probed", "routes", `"/openapi.json": {`, `"/x": {"get": {}}, "/openapi.json": {`},
	} {
		broken := strings.Replace(good, c.old, c.new, 1)
		if broken == good {
			t.Errorf("%s: the document has no %s", c.what, c.old)
			continue
		}
		d, err := parse([]byte(broken))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if problems := checks[c.check](d); len(problems) <= sound[c.check] {
			t.Errorf("%s: not found by the check of the %s", c.what, c.check)
		}
	}
}
