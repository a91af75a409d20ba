package leak_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type (
	stringer   struct{ text string }
	marshaler  struct{ text string }
	texter     struct{ text string }
	valuer     struct{ value any }
	formatter  struct{ text string }
	jsonError  struct{ text string }
	noJSON     struct{ err error }
	panics     struct{ with string }
	nilPanics  struct{ text string }
	unexported struct {
		text string
		n    int
	}
	exported struct {
		Text  string            `json:"text"`
		Next  *exported         `json:"next,omitempty"`
		Extra map[string]string `json:"extra,omitempty"`
	}
	bytesLike  []byte
	bytesHide  []byte
	bytesError []byte
	errorText  struct{ text string }
	errorAll   struct{ errorText }
	stringText struct{ texter }
	hides      struct {
		Name     string
		Password string `json:"-"`
		Key      string `json:"-"`
	}
	noText struct{ text string }
)

func (s stringer) String() string { return s.text }
func (m marshaler) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"a": 1, "text": m.text})
}
func (m texter) MarshalText() ([]byte, error)    { return []byte(m.text), nil }
func (v valuer) LogValue() slog.Value            { return slog.AnyValue(v.value) }
func (f formatter) Format(s fmt.State, _ rune)   { s.Write([]byte(f.text)) }
func (e jsonError) Error() string                { return "an error" }
func (e jsonError) MarshalJSON() ([]byte, error) { return json.Marshal(e.text) }
func (n noJSON) MarshalJSON() ([]byte, error)    { return nil, n.err }
func (p panics) String() string                  { panic("no " + p.with) }
func (p panics) MarshalJSON() ([]byte, error)    { panic("no " + p.with) }
func (n *nilPanics) String() string              { return n.text }
func (e errorText) Error() string                { return "an error" }
func (e errorText) MarshalText() ([]byte, error) { return []byte(e.text), nil }
func (e errorAll) MarshalJSON() ([]byte, error)  { return json.Marshal("in JSON: " + e.text) }
func (s stringText) String() string              { return "to a type switch" }
func (h hides) String() string                   { return "user " + h.Name }
func (bytesHide) String() string                 { return "hidden" }
func (bytesHide) MarshalJSON() ([]byte, error)   { return []byte(`"hidden"`), nil }
func (b bytesError) Error() string               { return "of " + string(b) }
func (f *noText) Error() string                  { return f.text }
func (f *noText) MarshalText() ([]byte, error)   { return nil, errors.New("no text: " + f.text) }

func rawJSON(text string) *json.RawMessage {
	raw := json.RawMessage(`["` + text + `"]`)
	return &raw
}

// values are all kinds of values with a text in them.
func values(text string) map[string]slog.Value {
	request, err := http.NewRequest("GET", "https://a.example/?key="+text, nil)
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+text)
	_, notFound := os.Open("/nowhere/" + text)
	anys := map[string]any{
		"string":                  text,
		"text around":             "a <" + text + ">\n",
		"error":                   errors.New("bad key " + text),
		"wrapped error":           fmt.Errorf("call: %w", errors.Join(notFound, errors.New("x"))),
		"error with another JSON": jsonError{text},
		"stringer":                stringer{text},
		"stringer pointer":        &stringer{text},
		"JSON marshaler":          marshaler{text},
		"text marshaler":          texter{text},
		"formatter":               formatter{text},
		"bytes":                   []byte(text),
		"bytes of a type":         bytesLike("x" + text),
		"bytes that hide":         bytesHide(text),
		"bytes that fail":         bytesError(text),
		"error with a text":       errorText{text},
		"error with all forms":    errorAll{errorText{text}},
		"stringer with a text":    stringText{texter{text}},
		"text marshaler, fails":   &noText{text},
		"hides":                   hides{"eve", "hunter2", text},
		"raw JSON that is none":   json.RawMessage(text),
		"pointer to raw JSON":     rawJSON(text),
		"raw JSON":                json.RawMessage(`{"k":"` + text + `"}`),
		"strings":                 []string{"x", text},
		"anys":                    []any{1, text, nil},
		"map":                     map[string]any{"k": []string{text}},
		"a map's keys":            map[string]int{text: 1},
		"header":                  request.Header,
		"URL":                     request.URL,
		"URL values":              request.URL.Query(),
		"userinfo":                url.UserPassword("x", text),
		"request":                 request,
		"struct":                  exported{Text: text},
		"nested":                  &exported{Next: &exported{Next: &exported{Text: "<&>" + text, Extra: map[string]string{"a": "b"}}}},
		"unexported":              unexported{text, 1},
		"errors":                  map[string]error{"k": errors.New(text)},
		"marshaler that fails":    noJSON{errors.New(text)},
		"panic":                   panics{text},
		"log valuer":              valuer{text},
		"log valuer of a valuer":  valuer{valuer{[]string{text}}},
		"log valuer of a group":   valuer{slog.GroupValue(slog.Any("k", valuer{errors.New(text)}))},
		"list of attributes":      []slog.Attr{slog.String("k", text)},
		"slog.Value":              slog.StringValue(text),
		"source":                  &slog.Source{Function: text, File: "/" + text, Line: 1},
		"pointer to a string":     &text,
	}
	out := map[string]slog.Value{
		"group":          slog.GroupValue(slog.String("k", text), slog.Group("g", "k", text)),
		"a group's name": slog.GroupValue(slog.Group("x"+text, "k", 1)),
	}
	for what, x := range anys {
		out[what] = slog.AnyValue(x)
	}
	return out
}

// handlers are those that print, and ways in which an attribute gets there.
func logged(v slog.Value, wrap func(slog.Handler) slog.Handler) (lines map[string]string) {
	lines = make(map[string]string)
	for name, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		for how, log := range map[string]func(*slog.Logger){
			"attribute": func(l *slog.Logger) { l.Info("m", slog.Any("a", v)) },
			"with":      func(l *slog.Logger) { l.With(slog.Any("a", v)).Info("m") },
			"in a group": func(l *slog.Logger) {
				l.WithGroup("g").With(slog.Any("a", v)).Info("m", slog.Group("h", slog.Any("b", v)))
			},
			"without key": func(l *slog.Logger) { l.Info("m", slog.Any("", v)) },
		} {
			var b bytes.Buffer
			log(slog.New(wrap(make(&b))))
			_, line, _ := strings.Cut(b.String(), "level") // without the time
			lines[name+", "+how] = line
		}
	}
	return lines
}

func plain(h slog.Handler) slog.Handler { return h }

// secretShown returns 8 characters of a key's secret that are in an output.
func secretShown(key, output string) string {
	secret := key[len(key)-72+22:]
	for i := range len(secret) - 7 {
		if strings.Contains(output, secret[i:i+8]) {
			return secret[i : i+8]
		}
	}
	return ""
}
