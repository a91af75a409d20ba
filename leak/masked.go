package leak

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// masked prints a value without the keys in it. The types below add what handlers look for. They are pointers, and x
// is in no exported field: nothing that walks through values gets to it.
type masked struct {
	r *Redactor
	x any
}

type (
	maskedValue         struct{ masked }
	maskedText          struct{ maskedValue }
	maskedStringer      struct{ maskedValue }
	maskedStringerText  struct{ maskedText }
	maskedError         struct{ masked }
	maskedErrorJSON     struct{ maskedError }
	maskedErrorText     struct{ maskedError }
	maskedErrorJSONText struct{ maskedErrorJSON }
)

func (m *masked) Format(s fmt.State, verb rune) {
	io.WriteString(s, m.r.Redact(fmt.Sprintf(fmt.FormatString(s, verb), m.x)))
}

func (m *maskedValue) MarshalJSON() ([]byte, error)         { return m.json() }
func (m *maskedText) MarshalText() ([]byte, error)          { return m.text() }
func (m *maskedStringer) String() string                    { return m.string(m.x.(fmt.Stringer).String) }
func (m *maskedStringerText) String() string                { return m.string(m.x.(fmt.Stringer).String) }
func (m *maskedError) Error() string                        { return m.string(m.x.(error).Error) }
func (m *maskedErrorJSON) MarshalJSON() ([]byte, error)     { return m.json() }
func (m *maskedErrorText) MarshalText() ([]byte, error)     { return m.text() }
func (m *maskedErrorJSONText) MarshalText() ([]byte, error) { return m.text() }

// Is tells of the error what errors.Is does, and gives nothing of it away.
func (m *maskedError) Is(target error) bool { return errors.Is(m.x.(error), target) }

func (m *masked) string(of func() string) (text string) {
	defer m.recovered(&text)
	return m.r.Redact(of())
}

func (m *masked) text() (data []byte, err error) {
	marshaler, ok := m.x.(encoding.TextMarshaler)
	if !ok {
		return reflect.ValueOf(m.x).Bytes(), nil // redacted already
	}
	text := m.string(func() string {
		var text []byte
		text, err = marshaler.MarshalText()
		return string(text)
	})
	if err != nil {
		return nil, errors.New(m.r.Redact(err.Error()))
	}
	return []byte(text), nil
}

// json returns what a slog.JSONHandler makes of the value, an error as "!ERROR:…" included. The text stays JSON: a key
// is always inside of a string, and what is put in its place neither adds nor ends an escape sequence.
func (m *masked) json() ([]byte, error) {
	var err error
	text := m.string(func() string {
		var text []byte
		text, err = encoded(m.x)
		return string(text)
	})
	if err != nil {
		return encoded(m.r.Redact("!ERROR:" + err.Error()))
	}
	return []byte(text), nil
}

func encoded(x any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // whoever asked does it, if they want it
	err := e.Encode(x)
	return b.Bytes(), err
}

// recovered does with a panic what package slog does, which no longer sees the value: a nil pointer without the method
// is <nil>. Any other panic goes on, without a key.
func (m *masked) recovered(text *string) {
	p := recover()
	if p == nil {
		return
	}
	if rv := reflect.ValueOf(m.x); rv.Kind() == reflect.Pointer && rv.IsNil() {
		*text = "<nil>"
		return
	}
	panic(m.r.Redact(fmt.Sprint(p)))
}
