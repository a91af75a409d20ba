package httpapi

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxBody    = 64 << 10 // bytes
	maxNesting = 64       // of arrays and objects in a value
)

// body is a JSON object: the values of its members, which are valid JSON but for what text and
// checkValue look at.
type body map[string]json.RawMessage

// object reads the body. Members that are not named are refused, as are two of one name: which of them
// is meant would be a matter of who reads it. The names are compared exactly.
func (r *request) object(names ...string) (body, error) {
	data, err := r.read()
	if err != nil {
		return nil, err
	}
	return parseObject(data, names)
}

// optionalObject is object where nothing, and null, are the same as {}.
func (r *request) optionalObject(names ...string) (body, error) {
	data, err := r.read()
	if err != nil {
		return nil, err
	}
	if text := bytes.Trim(data, " \t\r\n"); len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	return parseObject(data, names)
}

func (r *request) read() ([]byte, error) {
	if r.Body == nil { // of a request that no server made
		return nil, nil
	}
	data, err := io.ReadAll(http.MaxBytesReader(r.w, r.Body, maxBody))
	if err != nil {
		return nil, badRequest("", "the body is cut off, or longer than 64 KiB")
	}
	return data, nil
}

func parseObject(data []byte, names []string) (body, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, badRequest("", "the body is not a JSON object")
	}
	b := body{}
	last := "" // the member after which the text is no JSON any more
	for d.More() {
		token, err := d.Token()
		name, is := token.(string)
		if err != nil || !is {
			return nil, badRequest(last, "the body is not valid JSON")
		}
		if !slices.Contains(names, name) {
			return nil, badRequest(nameable(name), "there is no such member here")
		}
		if _, twice := b[name]; twice {
			return nil, badRequest(name, "it is there twice")
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, badRequest(name, "not valid JSON, or nested too deep")
		}
		if err := checkValue(name, value); err != nil {
			return nil, err
		}
		b[name] = value
		last = name
	}
	if _, err := d.Token(); err != nil {
		return nil, badRequest(last, "the body is not valid JSON, or cut off")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, badRequest("", "something follows the JSON object")
	}
	return b, nil
}

// nameable returns a name of a member if it looks like one: anything else may be a secret that
// ended up in the wrong place.
func nameable(name string) string {
	if len(name) > 32 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return name
}

// checkValue refuses what readers of JSON make different things of (RFC 8259, sections 4, 8 and 9):
// duplicate members, bytes and escapes that are no text, deep nesting.
func checkValue(name string, value json.RawMessage) error {
	if !utf8.Valid(value) || !pairedSurrogates(value) {
		return badRequest(name, "not Unicode text")
	}
	var open []map[string]bool // by nesting: the names of an object so far; nil: an array
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber() // a float64 would refuse large ones
	for isName := false; ; {
		token, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return badRequest(name, "not valid JSON")
		}
		var inside map[string]bool
		if len(open) > 0 {
			inside = open[len(open)-1]
		}
		if text, is := token.(string); is && isName {
			if inside[text] {
				return badRequest(name, "two members have one name")
			}
			inside[text] = true
			isName = false
			continue
		}
		switch token {
		case json.Delim('{'):
			open = append(open, map[string]bool{})
		case json.Delim('['):
			open = append(open, nil)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > maxNesting {
			return badRequest(name, "nested too deep")
		}
		isName = len(open) > 0 && open[len(open)-1] != nil
	}
}

// pairedSurrogates reports whether no \u escape of valid JSON is half of a character.
func pairedSurrogates(value []byte) bool {
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		i++ // what is escaped
		switch unit := escaped(value[i:]); {
		case unit < 0xD800 || unit > 0xDFFF:
		case unit >= 0xDC00 || i+6 >= len(value) || value[i+5] != '\\':
			return false
		default:
			if low := escaped(value[i+6:]); low < 0xDC00 || low > 0xDFFF {
				return false
			}
			i += 6
		}
	}
	return true
}

// escaped returns the code unit of "uXXXX", else 0.
func escaped(s []byte) (unit rune) {
	if len(s) < 5 || s[0] != 'u' {
		return 0
	}
	for _, c := range s[1:5] {
		unit = unit<<4 | rune(strings.IndexByte("0123456789abcdef", c|0x20)&0xF)
	}
	return unit
}
