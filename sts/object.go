package sts

import (
	"bytes"
	"encoding/json"
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

// maxMembers bounds the comparisons of names, before anybody knows who wrote them.
const maxMembers = 100 // with those of a token that are not the key's

// parseObject takes nothing but one such object of Unicode text (RFC 7519, section 4; RFC 8725, section 2.6), of at most 100
// members. What it returns is part of data.
//
// encoding/json says whether it is JSON, and this walks over what is: its Decoder, which can tell of members, takes 60
// more allocations and three times as long.
func parseObject(data []byte) (object, bool) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return nil, false
	}
	w := walk{data: data}
	if w.next() != '{' {
		return nil, false
	}
	o := make(object, 0, 12)
	for w.at++; w.next() != '}'; {
		if data[w.at] == ',' {
			w.at++
			w.next()
		}
		name, ok := unquote(w.value())
		if !ok || len(o) == maxMembers || o.has(name) {
			return nil, false
		}
		w.next() // the colon
		w.at++
		w.next()
		o = append(o, member{name, w.value()})
	}
	return o, true
}

// walk goes over valid JSON.
type walk struct {
	data []byte
	at   int
}

// next skips white space and returns what is there, without going past it.
func (w *walk) next() byte {
	for {
		switch c := w.data[w.at]; c {
		case ' ', '\t', '\r', '\n':
			w.at++
		default:
			return c
		}
	}
}

// value goes past a value and returns it.
func (w *walk) value() json.RawMessage {
	start := w.at
	switch w.data[w.at] {
	case '"':
		w.text()
	case '{', '[':
		w.nested()
	default: // a number or a word
		for bytes.IndexByte([]byte(",}] \t\r\n"), w.data[w.at]) < 0 {
			w.at++
		}
	}
	return w.data[start:w.at:w.at]
}

func (w *walk) text() {
	for w.at++; w.data[w.at] != '"'; w.at++ {
		if w.data[w.at] == '\\' {
			w.at++
		}
	}
	w.at++
}

func (w *walk) nested() {
	for depth := 0; ; {
		switch w.data[w.at] {
		case '"':
			w.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		w.at++
		if depth == 0 {
			return
		}
	}
}

// unquote returns a JSON string. false: it is another value, or holds what is no character.
func unquote(value json.RawMessage) (s string, ok bool) {
	if len(value) == 0 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : len(value)-1]), true
	}
	if json.Unmarshal(value, &s) != nil {
		return "", false
	}
	// Half of a character becomes U+FFFD, which may also stand there for itself.
	const lost = "\ufffd"
	itself := strings.Count(string(value), lost) + strings.Count(strings.ToLower(string(value)), `\ufffd`)
	return s, strings.Count(s, lost) <= itself
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
func (o object) text(name string) (string, bool) { return unquote(o.value(name)) }

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
