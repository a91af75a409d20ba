package httpapi

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of the wire that are narrower than those of apikey, in characters.
const (
	minName        = 3
	maxDescription = 255
)

// has reports whether a member is there, be it null.
func (b body) has(name string) bool { return b[name] != nil }

func (b body) isNull(name string) bool { return string(b[name]) == "null" }

// string returns a string; "" if it is not there.
func (b body) string(name string) (s string, err error) {
	if b.has(name) && (b.isNull(name) || json.Unmarshal(b[name], &s) != nil) {
		return "", badRequest(name, "not a string")
	}
	return s, nil
}

// text is string without control characters.
func (b body) text(name string) (string, error) {
	s, err := b.string(name)
	if err == nil && strings.IndexFunc(s, unicode.IsControl) >= 0 {
		err = badRequest(name, "holds a control character")
	}
	return s, err
}

// textOrNull returns a string; "" for null, and if it is not there.
func (b body) textOrNull(name string) (string, error) {
	if b.isNull(name) {
		return "", nil
	}
	return b.text(name)
}

// name returns one of 3 characters and more that neither begins nor ends with white space, as it is drawn in
// ECMAScript: ^(\S(.*\S)?)?$.
func (b body) name() (string, error) {
	s, err := b.text("name")
	if err != nil {
		return "", err
	}
	switch {
	case !b.has("name"):
		return "", badRequest("name", "required")
	case utf8.RuneCountInString(s) < minName:
		return "", badRequest("name", "shorter than 3 characters")
	case strings.TrimFunc(s, isSpace) != s, strings.ContainsAny(s, "\u2028\u2029"):
		return "", badRequest("name", "begins or ends with white space, or breaks a line")
	}
	return s, nil
}

// isSpace: white space of ECMAScript, which is that of Unicode and the byte order mark.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c == '\uFEFF' }

func (b body) description() (string, error) {
	s, err := b.textOrNull("description")
	if err == nil && utf8.RuneCountInString(s) > maxDescription {
		err = badRequest("description", "longer than 255 characters")
	}
	return s, err
}

// scopes returns a list of strings; nil if it is not there, and never nil if it is.
func (b body) scopes() ([]string, error) {
	if !b.has("scopes") {
		return nil, nil
	}
	var elements []*string // of which null is nil
	if b.isNull("scopes") || json.Unmarshal(b["scopes"], &elements) != nil {
		return nil, badRequest("scopes", "not a list of strings")
	}
	scopes := make([]string, len(elements))
	for i, e := range elements {
		if e == nil {
			return nil, badRequest("scopes", "not a list of strings")
		}
		scopes[i] = *e
	}
	return scopes, nil
}

// seconds returns a duration, cut to milliseconds: 0 for null, and if it is not there; else from 1 second
// to 100 years. zero: 0 is also taken.
func (b body) seconds(name string, zero bool) (time.Duration, error) {
	if !b.has(name) || b.isNull(name) {
		return 0, nil
	}
	const year = 365 * 24 * time.Hour
	text := string(b[name])
	if !isNumber(text) {
		return 0, badRequest(name, "not a number")
	}
	ms, exact := decimal(text, 3)
	if zero && ms == 0 && exact {
		return 0, nil
	}
	const most = int64(100 * year / time.Millisecond)
	if ms < 1000 || ms > most || ms == most && !exact {
		return 0, badRequest(name, "not from 1 second to 100 years")
	}
	return time.Duration(ms) * time.Millisecond, nil
}
