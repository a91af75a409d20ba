// Package openapi_test checks the OpenAPI document that httpapi serves against what httpapi does.
package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is an OpenAPI document that can judge requests and replies.
type document struct {
	root     any
	compiler *jsonschema.Compiler
}

const base = "https://example.com/openapi.json"

// parse returns the document in a text.
func parse(text []byte) (*document, error) {
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020) // the dialect of OpenAPI 3.1 but for its own keywords, of which none is used
	c.UseRegexpEngine(ecmaScript)
	if err := c.AddResource(base, root); err != nil {
		return nil, err
	}
	return &document{root, c}, nil
}

// at returns what a JSON pointer points to, past references, and the pointer to that; nil: nothing.
func (d *document) at(pointer ...string) (any, []string) {
	value := d.root
	for i, name := range pointer {
		switch container := value.(type) {
		case map[string]any:
			value = container[name]
		case []any:
			var index int
			if _, err := fmt.Sscan(name, &index); err != nil || index >= len(container) {
				return nil, nil
			}
			value = container[index]
		default:
			return nil, nil
		}
		object, _ := value.(map[string]any)
		if ref, is := object["$ref"].(string); is && !slices.Contains(pointer[:i+1], "schema") { // of schemas, the compiler follows them
			target, local := strings.CutPrefix(ref, "#/")
			if !local {
				return nil, nil
			}
			return d.at(append(strings.Split(target, "/"), pointer[i+1:]...)...)
		}
	}
	return value, pointer
}

// has reports whether there is something at a pointer.
func (d *document) has(pointer ...string) bool {
	value, _ := d.at(pointer...)
	return value != nil
}

// judge validates a value by the schema at a pointer.
func (d *document) judge(value any, pointer ...string) error {
	schema, pointer := d.at(pointer...)
	if schema == nil {
		return fmt.Errorf("there is no schema")
	}
	fragment := base + "#"
	for _, name := range pointer {
		fragment += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	compiled, err := d.compiler.Compile(fragment)
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// operation is a place in the document.
type operation struct{ method, path string }

func (o operation) String() string { return o.method + " " + o.path }

// at returns the pointer to something of the operation.
func (o operation) at(rest ...string) []string {
	return append([]string{"paths", o.path, strings.ToLower(o.method)}, rest...)
}

// operations returns all that the document has.
func (d *document) operations() (all []operation) {
	paths, _ := d.at("paths")
	byPath, _ := paths.(map[string]any)
	for path, item := range byPath {
		methods, _ := item.(map[string]any)
		for method := range methods {
			if method != "parameters" {
				all = append(all, operation{strings.ToUpper(method), path})
			}
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// reply judges a reply by the response that the operation has for its status.
func (d *document) reply(o operation, status int, header http.Header, body []byte) error {
	response := o.at("responses", fmt.Sprint(status))
	if !d.has(response...) {
		return fmt.Errorf("no such status")
	}
	mediaTypes, _ := d.at(append(response, "content")...)
	contents, _ := mediaTypes.(map[string]any)
	contentType := header.Get("Content-Type")
	if len(header["Content-Type"]) != 1 || contents[contentType] == nil {
		return fmt.Errorf("no such Content-Type: %q", header["Content-Type"])
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := d.judge(value, append(response, "content", contentType, "schema")...); err != nil {
		return err
	}
	headers, _ := d.at(append(response, "headers")...)
	documented, _ := headers.(map[string]any)
	if len(header["Retry-After"]) > 0 && documented["Retry-After"] == nil {
		return fmt.Errorf("no such header: Retry-After")
	}
	for name := range documented {
		place := append(response, "headers", name)
		switch sent := header.Values(name); {
		case len(sent) > 1:
			return fmt.Errorf("%s is there %d times", name, len(sent))
		case len(sent) == 1:
			if err := d.judge(scalar(sent[0]), append(place, "schema")...); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		default:
			if required, _ := d.at(append(place, "required")...); required == true {
				return fmt.Errorf("%s is missing", name)
			}
		}
	}
	return nil
}

// scalar returns what a text outside of JSON stands for: a number if it is one.
func scalar(text string) any {
	if value, err := jsonschema.UnmarshalJSON(strings.NewReader(text)); err == nil {
		if number, is := value.(json.Number); is && number.String() == text {
			return number
		}
	}
	return text
}
