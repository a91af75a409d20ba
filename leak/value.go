package leak

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
)

// value returns what stands for v. Which of its forms the other handler will print can't be known here, and running
// another may do harm: it may show what the printed form hides, take no lock, or never end. So what has forms is
// wrapped, and the form that is asked for is redacted when it is asked for. None is run here.
func (r *Redactor) value(v slog.Value) slog.Value {
	switch x := v.Any().(type) {
	case nil:
		return v
	case []byte:
		return slog.AnyValue(r.bytes(x))
	case json.RawMessage:
		return slog.AnyValue(json.RawMessage(r.bytes(x)))
	case *slog.Source: // handlers know it by its type
		if x == nil {
			return v
		}
		return slog.AnyValue(&slog.Source{Function: r.Redact(x.Function), File: r.Redact(x.File), Line: x.Line})
	default:
		return slog.AnyValue(r.wrapped(x))
	}
}

// wrapped returns a value with those methods of x by which handlers choose a form.
func (r *Redactor) wrapped(x any) any {
	_, isError := x.(error)
	_, isText := x.(encoding.TextMarshaler)
	_, isJSON := x.(json.Marshaler)
	_, isStringer := x.(fmt.Stringer)
	m := masked{r, x}
	if rv := reflect.ValueOf(x); rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8 {
		own := reflect.ValueOf(r.bytes(rv.Bytes())).Convert(rv.Type()).Interface()
		if !isError && !isText && !isJSON {
			return own
		}
		m.x, isText = own, true // a TextHandler prints the bytes
	}
	switch {
	case isError && isJSON && isText:
		return &maskedErrorJSONText{maskedErrorJSON{maskedError{m}}}
	case isError && isJSON:
		return &maskedErrorJSON{maskedError{m}}
	case isError && isText:
		return &maskedErrorText{maskedError{m}}
	case isError:
		return &maskedError{m}
	case isStringer && isText:
		return &maskedStringerText{maskedText{maskedValue{m}}}
	case isStringer:
		return &maskedStringer{maskedValue{m}}
	case isText:
		return &maskedText{maskedValue{m}}
	}
	return &maskedValue{m}
}

// bytes returns text itself if there is no key in it.
func (r *Redactor) bytes(text []byte) []byte {
	if _, ok := find(r, text, 0, true); !ok {
		return text
	}
	return []byte(r.Redact(string(text)))
}
