package sts

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// member is one of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// object is a JSON object in the order it was written in. No two names are equal, nor equal but for the case of
// letters: readers that take "EXP" for "exp", as encoding/json does, would find two values.
type object []member

// parseObject takes nothing but one such object of Unicode text (RFC 7519, section 4; RFC 8725, section 2.6).
func parseObject(data []byte) (object, bool) {
	if !utf8.Valid(data) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	o := make(object, 0, 12)
	for d.More() {
		token, err := d.Token()
		name, is := token.(string)
		if err != nil || !is || strings.ContainsRune(name, utf8.RuneError) || o.has(name) {
			return nil, false
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, false
		}
		o = append(o, member{name, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return o, err == io.EOF
}

// has folds as encoding/json does: the Kelvin sign is a k.
func (o object) has(name string) bool {
	for i := range o {
		if strings.EqualFold(o[i].name, name) {
			return true
		}
	}
	return false
}

// value returns that of a name, which is compared exactly; nil: there is none.
func (o object) value(name string) json.RawMessage {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

// text returns a member that is a string.
func (o object) text(name string) (s string, is bool) {
	value := o.value(name)
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, &s) != nil {
		return "", false
	}
	return s, true
}

// number returns a member that is an integer of at most max, in its one spelling.
func (o object) number(name string, max int64) (n int64, is bool) {
	value := o.value(name)
	if len(value) == 0 || len(value) > 16 || len(value) > 1 && value[0] == '0' {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n <= max
}
