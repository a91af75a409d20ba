package leak

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// value returns v if no handler would print a key of it, and else what can be printed of it.
func (r *Redactor) value(v slog.Value) (safe slog.Value) {
	x := v.Any()
	defer func() {
		// The other handler would meet the same panic, and print what it is about.
		if p := recover(); p != nil {
			safe = slog.StringValue(r.Redact(fmt.Sprintf("!PANIC: %v", p)))
			if rv := reflect.ValueOf(x); rv.Kind() == reflect.Pointer && rv.IsNil() {
				safe = v // a method that a nil pointer has not
			}
		}
	}()
	printed := fmt.Sprintf("%+v", x)
	encoded, err := json.Marshal(x)
	if err != nil && r.holds(err.Error()) {
		return slog.StringValue(r.Redact(err.Error()))
	}
	text, isText := textOf(x)
	switch {
	case isText && r.holds(text):
		return slog.StringValue(r.Redact(text))
	case r.holds(string(encoded)): // a key is always in a string of it, and neither begins nor ends in an escape sequence: this stays JSON
		return slog.AnyValue(json.RawMessage(r.Redact(string(encoded))))
	case r.holds(printed):
		return slog.StringValue(r.Redact(printed))
	}
	return v
}

// textOf returns the text of what says what its text is.
func textOf(x any) (text string, ok bool) {
	switch x := x.(type) {
	case error:
		return x.Error(), true
	case encoding.TextMarshaler:
		data, err := x.MarshalText()
		if err != nil {
			return err.Error(), true
		}
		return string(data), true
	case fmt.Stringer:
		return x.String(), true
	case json.Marshaler:
		return "", false
	}
	// Handlers print bytes as text, or in base64.
	if v := reflect.ValueOf(x); v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return string(v.Bytes()), true
	}
	return "", false
}
