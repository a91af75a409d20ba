package openapi_test

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// request judges a request by the parameters and the body of the operation.
func (d *document) request(o operation, id, query, body string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for _, list := range [][]string{{"paths", o.path, "parameters"}, o.at("parameters")} {
		parameters, _ := d.at(list...)
		all, _ := parameters.([]any)
		for i := range all {
			if err := d.parameter(append(list, fmt.Sprint(i)), id, values); err != nil {
				return err
			}
		}
	}
	if !d.has(o.at("requestBody")...) {
		return nil
	}
	if body == "" {
		if required, _ := d.at(o.at("requestBody", "required")...); required == true {
			return fmt.Errorf("the body is missing")
		}
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	if err != nil {
		return err
	}
	return d.judge(value, o.at("requestBody", "content", "application/json", "schema")...)
}

func (d *document) parameter(place []string, id string, query url.Values) error {
	value, _ := d.at(place...)
	p, _ := value.(map[string]any)
	name, _ := p["name"].(string)
	sent := query[name]
	if p["in"] == "path" && name == "id" {
		sent = []string{id}
	}
	switch {
	case len(sent) > 1:
		return fmt.Errorf("%s is there %d times", name, len(sent)) // of none, the schema is that of an array
	case len(sent) == 0 && p["required"] == true:
		return fmt.Errorf("%s is missing", name)
	case len(sent) == 0:
		return nil
	}
	if text, is := p["schema"].(map[string]any); is && text["type"] == "integer" {
		return d.judge(scalar(sent[0]), append(place, "schema")...)
	}
	return d.judge(sent[0], append(place, "schema")...)
}
