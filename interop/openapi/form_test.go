package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed-d3a9fb6b/apikey/httpapi"
)

// Every operation has what readers and generators of clients need.
func TestOperations(t *testing.T) {
	t.Parallel()
	d := parsed(t, served(t))
	for place, want := range map[string]string{"openapi": "3.1.0", "info/title": "API keys", "security/0/bearer": "[]",
		"components/securitySchemes/bearer/scheme": "bearer", "paths/~/openapi.json/get/security": "[]"} {
		pointer := strings.Split(place, "/")
		if i := slices.Index(pointer, "~"); i >= 0 { // the one path here, which has a slash
			pointer = slices.Replace(pointer, i, i+2, "/"+pointer[i+1])
		}
		if value, _ := d.at(pointer...); fmt.Sprint(value) != want {
			t.Errorf("%s is %v; want %s", place, value, want)
		}
	}
	if value, _ := d.at("info", "version"); value == nil {
		t.Error("there is no version")
	}
	ids := map[any]operation{}
	for _, o := range d.operations() {
		id, _ := d.at(o.at("operationId")...)
		if before, twice := ids[id]; twice || id == nil {
			t.Errorf("%s has the operationId of %s: %v", o, before, id)
		}
		ids[id] = o
		r := httptest.NewRequestWithContext(t.Context(), o.method, strings.ReplaceAll(o.path, "{id}", unknown), nil)
		if name := httpapi.Operation(r); name != id && o.path != "/openapi.json" {
			t.Errorf("%s is %q for Authorize, and %v in the document", o, name, id)
		}
		if summary, _ := d.at(o.at("summary")...); summary == nil {
			t.Errorf("%s has no summary", o)
		}
		if parameter, _ := d.at("paths", o.path, "parameters", "0", "name"); strings.Contains(o.path, "{id}") != (parameter == "id") {
			t.Errorf("%s has a parameter %v", o, parameter)
		}
		responses, _ := d.at(o.at("responses")...)
		for status := range responses.(map[string]any) {
			if description, _ := d.at(o.at("responses", status, "description")...); description == nil {
				t.Errorf("%s: %s has no description", o, status)
			}
		}
	}
	if len(ids) != len(samples)+1 {
		t.Errorf("%d operations", len(ids))
	}
}

// Every reference leads somewhere, every schema compiles and takes its default, and every component is used.
func TestReferences(t *testing.T) {
	t.Parallel()
	document := served(t)
	d := parsed(t, document)
	used := map[string]bool{}
	var walk func(value any, pointer []string)
	walk = func(value any, pointer []string) {
		switch value := value.(type) {
		case []any:
			for i, element := range value {
				walk(element, append(slices.Clone(pointer), fmt.Sprint(i)))
			}
		case map[string]any:
			if ref, is := value["$ref"].(string); is {
				used[ref] = true
				if !d.has(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...) {
					t.Errorf("%q: a reference to nothing: %s", pointer, ref)
				}
			}
			if otherwise, is := value["default"]; is {
				if err := d.judge(otherwise, pointer...); err != nil {
					t.Errorf("%q: the default: %v", pointer, err)
				}
			}
			for name, member := range value {
				walk(member, append(slices.Clone(pointer), name))
			}
		}
	}
	walk(d.root, nil)
	for _, kind := range []string{"schemas", "responses", "parameters", "headers"} {
		components, _ := d.at("components", kind)
		all, _ := components.(map[string]any)
		if len(all) == 0 {
			t.Errorf("there are no %s", kind)
		}
		for name := range all {
			if !used["#/components/"+kind+"/"+name] {
				t.Errorf("nothing refers to %s %s", kind, name)
			}
			if kind != "schemas" {
				continue
			}
			err := d.judge(json.Number("1"), "components", kind, name)
			if _, refused := err.(*jsonschema.ValidationError); err != nil && !refused {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
