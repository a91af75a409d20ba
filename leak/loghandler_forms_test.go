package leak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// forms notes which of its forms is asked for.
type forms struct {
	text  string
	asked []string
}

func (f *forms) form(name string) string {
	f.asked = append(f.asked, name)
	return name + " " + f.text
}

type (
	printedForm  struct{ *forms }
	stringForm   struct{ *forms }
	jsonForm     struct{ *forms }
	textForm     struct{ *forms }
	allForms     struct{ *forms }
	allFormsText struct{ allForms }
)

func (f printedForm) Format(s fmt.State, v rune) { fmt.Fprint(s, f.form(fmt.FormatString(s, v))) }
func (f stringForm) String() string              { return f.form("String") }
func (f jsonForm) MarshalJSON() ([]byte, error)  { return []byte(`"` + f.form("JSON") + `"`), nil }
func (f textForm) MarshalText() ([]byte, error)  { return []byte(f.form("text")), nil }
func (f allForms) Error() string                 { return f.form("Error") }
func (f allForms) String() string                { return f.form("String") }
func (f allForms) MarshalJSON() ([]byte, error)  { return []byte(`"` + f.form("JSON") + `"`), nil }
func (f allFormsText) MarshalText() ([]byte, error) {
	return []byte(f.form("text")), nil
}

// The forms that a value is asked for are those that the other handler asks for: each as often, and no other.
func TestLogHandlerRunsNoOtherForm(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	for what, value := range map[string]func(*forms) any{
		"printed": func(f *forms) any { return printedForm{f} },
		"string":  func(f *forms) any { return stringForm{f} },
		"JSON":    func(f *forms) any { return jsonForm{f} },
		"text":    func(f *forms) any { return textForm{f} },
		"all":     func(f *forms) any { return allForms{f} },
		"text, too": func(f *forms) any {
			return allFormsText{allForms{f}}
		},
	} {
		for name, h := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"none": func(*bytes.Buffer) slog.Handler { return slog.DiscardHandler },
			"dropped": func(b *bytes.Buffer) slog.Handler {
				return slog.NewJSONHandler(b, &slog.HandlerOptions{ReplaceAttr: func([]string, slog.Attr) slog.Attr { return slog.Attr{} }})
			},
		} {
			var out bytes.Buffer
			without, with := &forms{text: key}, &forms{text: key}
			slog.New(h(&out)).Info("m", "v", value(without))
			handler := leak.NewLogHandler(h(&out), nil)
			record := slog.Record{}
			record.Add("v", value(with))
			handler.Handle(t.Context(), record)
			if !slices.Equal(with.asked, without.asked) || (name == "none" || name == "dropped") && with.asked != nil {
				t.Errorf("%s, %s: asked for %q; without the handler %q", what, name, with.asked, without.asked)
			}
		}
	}
}

// What would never end, if another handler printed it, does no harm.
func TestLogHandlerCycle(t *testing.T) {
	t.Parallel()
	cycle := map[string]any{}
	cycle["k"] = cycle
	var out bytes.Buffer
	slog.New(leak.NewLogHandler(slog.NewJSONHandler(&out, nil), nil)).Info("m", "v", cycle)
	if !strings.Contains(out.String(), `"v":"!ERROR:json: unsupported value: encountered a cycle`) {
		t.Error(out.String())
	}
}

// byType prints as bridges to other loggers do: in the first form that the type has.
func byType(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprintf("%+v, %s", v, fmt.Sprint(struct{ inside any }{v}))
}

// A handler that chooses by types gets the text of an error and of a Stringer, and what kind of error it was.
func TestLogHandlerKeepsForms(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	shown := func(v any) (any, string) {
		next := &records{}
		var record slog.Record
		record.Add("v", v)
		leak.NewLogHandler(next, nil).Handle(t.Context(), record)
		var got any
		next.records[0].Attrs(func(a slog.Attr) bool { got = a.Value.Any(); return true })
		return got, byType(got)
	}
	got, text := shown(fmt.Errorf("%s: %w", key, context.Canceled))
	if err, ok := got.(error); !ok || !errors.Is(err, context.Canceled) || errors.Is(err, errDisk) || errors.Unwrap(err) != nil ||
		text != id(t, key)+"[redacted]: context canceled" {
		t.Errorf("an error: %v", text)
	}
	for what, v := range map[string]any{"hides": hides{"eve", "hunter2", key}, "and a text": hidesText{hides{"eve", "hunter2", key}}} {
		if _, text := shown(v); text != "user eve" {
			t.Errorf("%s: %s", what, text)
		}
	}
	if got, text := shown(&exported{Text: key}); strings.Contains(text, key[30:38]) || !strings.Contains(text, id(t, key)+"[redacted]") {
		t.Errorf("a struct: %s", text)
	} else if _, ok := got.(fmt.Stringer); ok {
		t.Error("a struct became a Stringer")
	}
	if _, text := shown((*nilPanics)(nil)); text != "<nil>" {
		t.Errorf("a nil pointer: %s", text)
	}
	func() {
		defer func() {
			if p := fmt.Sprint(recover()); p != "no "+id(t, key)+"[redacted]" {
				t.Errorf("a panic: %s", p)
			}
		}()
		shown(panics{key})
	}()
}

type hidesText struct{ hides }

func (hidesText) MarshalText() ([]byte, error) { return []byte("text"), nil }
