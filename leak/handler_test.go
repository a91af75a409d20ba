package leak_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// It is a handler like others.
func TestHandlerContract(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return leak.NewHandler(slog.NewJSONHandler(&out, nil), nil)
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

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
	bytesLike []byte
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

// inJSONOnly are the values that show their text in JSON alone.
var inJSONOnly = []string{"nested", "pointer to a string", "error with another JSON", "marshaler that fails"}

// No kind of value brings a key into a log, and each leaves there which key it was.
func TestHandlerRedacts(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	for name, text := range map[string]string{"key": key, "broken key": broken(key)} {
		r, want := leak.NewHandler, id(t, key)+"[redacted]"
		wrap := func(h slog.Handler) slog.Handler { return r(h, nil) }
		if name == "broken key" {
			wrap, want = func(h slog.Handler) slog.Handler { return r(h, redactor(t, "ak")) }, "ak_[redacted]"
		}
		shownWithout := 0
		for what, v := range values(text) {
			for how, line := range logged(v, plain) {
				if secretShown(text, line) != "" {
					shownWithout++
				} else if strings.HasPrefix(how, "text") && !slices.Contains(inJSONOnly, what) {
					t.Errorf("control: %s, %s shows no key without the handler: %s", what, how, line)
				}
			}
			for how, line := range logged(v, wrap) {
				if shown := secretShown(text, line); shown != "" {
					t.Errorf("%s, %s, %s: %q in %s", name, what, how, shown, line)
				}
				// What shows by one handler only may be left out by the other.
				if !strings.Contains(line, want) && what != "error with another JSON" {
					t.Errorf("%s, %s, %s: no %q in %s", name, what, how, want, line)
				}
				if strings.HasPrefix(how, "json") && !json.Valid([]byte(`{"level`+line)) {
					t.Errorf("%s, %s, %s: not JSON: %s", name, what, how, line)
				}
			}
		}
		if shownWithout < 200 {
			t.Errorf("control: without the handler %d lines show the key", shownWithout)
		}
	}
}

// What is shown instead is the text of what has one, and JSON of the same structure of what has none.
func TestHandlerShows(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	keyID := id(t, key) + "[redacted]"
	address, err := url.Parse("https://a.example/?key=" + key)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		value any
		json  string
	}{
		"error":                   {&os.PathError{Op: "open", Path: key, Err: errDisk}, `"open ` + keyID + `: the disk is on fire"`},
		"error with another JSON": {jsonError{key}, `"` + keyID + `"`},
		"stringer":                {address, `"https://a.example/?key=` + keyID + `"`},
		"text marshaler":          {texter{key}, `"` + keyID + `"`},
		"bytes":                   {[]byte("<" + key), `"<` + keyID + `"`},
		"raw JSON":                {json.RawMessage(`{"k":["` + key + `"]}`), `{"k":["` + keyID + `"]}`},
		"JSON marshaler":          {marshaler{"\n" + key}, `{"a":1,"text":"\n` + keyID + `"}`},
		"struct":                  {&exported{Next: &exported{Text: key}}, `{"text":"","next":{"text":"` + keyID + `"}}`},
		"header":                  {http.Header{"A": {"b", key}}, `{"A":["b","` + keyID + `"]}`},
		"unexported":              {unexported{key, 1}, `"{text:` + keyID + ` n:1}"`},
		"marshaler that fails":    {noJSON{errors.New(key)}, `"json: error calling MarshalJSON for type leak_test.noJSON: ` + keyID + `"`},
		"panic":                   {panics{key}, `"!PANIC: no ` + keyID + `"`},
	} {
		var out bytes.Buffer
		slog.New(leak.NewHandler(slog.NewJSONHandler(&out, nil), nil)).Info("m", "v", c.value)
		if want := `"msg":"m","v":` + c.json + "}\n"; !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: %s; want %s", what, out.String(), want)
		}
	}
}

// What holds no key is passed on as it is.
func TestHandlerPassesOn(t *testing.T) {
	t.Parallel()
	others := values("no key <&>")
	others["nil"] = slog.AnyValue(nil)
	others["nil pointer"] = slog.AnyValue((*nilPanics)(nil))
	others["nil URL"] = slog.AnyValue((*url.URL)(nil))
	others["numbers"] = slog.AnyValue([]int{1, 2})
	others["binary"] = slog.AnyValue([]byte{0, 255})
	for what, v := range map[string]slog.Value{"int": slog.IntValue(-1), "uint": slog.Uint64Value(1), "float": slog.Float64Value(.1), "bool": slog.BoolValue(true),
		"duration": slog.DurationValue(time.Second), "time": slog.TimeValue(time.Unix(1, 0).UTC()), "zero": {}} {
		others[what] = v
	}
	delete(others, "request") // prints addresses
	delete(others, "panic")   // with another word
	for what, v := range others {
		want := logged(v, plain)
		for how, line := range logged(v, func(h slog.Handler) slog.Handler { return leak.NewHandler(h, redactor(t, "ak")) }) {
			if line != want[how] {
				t.Errorf("%s, %s: %s; want %s", what, how, line, want[how])
			}
		}
	}
}

// records remembers what it is given.
type records struct {
	records []slog.Record
	err     error
}

func (r *records) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (r *records) WithAttrs([]slog.Attr) slog.Handler           { return r }
func (r *records) WithGroup(string) slog.Handler                { return r }
func (r *records) Handle(_ context.Context, record slog.Record) error {
	r.records = append(r.records, record)
	return r.err
}

// The record itself is left alone, and another with the same time, level and place is passed on.
func TestHandlerRecord(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	keyID := id(t, key) + "[redacted]"
	next := &records{err: errDisk}
	h := leak.NewHandler(next, nil)
	if h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
		t.Error("Enabled is not the other handler's")
	}
	record := slog.NewRecord(time.Unix(1, 0), slog.LevelError, "message "+key, 17)
	var attrs []slog.Attr
	for i := range 12 { // more than a record holds inside
		attrs = append(attrs, slog.Int(fmt.Sprint(i), i), slog.String("name of "+key, key))
	}
	record.AddAttrs(attrs...)
	if err := h.Handle(t.Context(), record); err != errDisk || len(next.records) != 1 {
		t.Fatal(err, next.records)
	}
	got := next.records[0]
	if got.Message != "message "+keyID || !got.Time.Equal(record.Time) || got.Level != record.Level || got.PC != 17 || got.NumAttrs() != 24 {
		t.Errorf("%+v", got)
	}
	i := 0
	got.Attrs(func(a slog.Attr) bool {
		if want := attrs[i]; i%2 == 0 && !a.Equal(want) || i%2 == 1 && !a.Equal(slog.String("name of "+keyID, keyID)) {
			t.Errorf("attribute %d: %v", i, a)
		}
		i++
		return true
	})
	given := []slog.Attr{slog.String("k", key), slog.Any("g", slog.GroupValue(slog.String("k", key)))}
	before := slices.Clone(given)
	h.WithAttrs(given)
	if record.Message != "message "+key || !slices.EqualFunc(given, before, slog.Attr.Equal) || given[1].Value.Group()[0].Value.String() != key {
		t.Error("what was given was changed")
	}
}

// Names of groups may be keys, too: somebody groups by key.
func TestHandlerGroupName(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	slog.New(leak.NewHandler(slog.NewTextHandler(&out, nil), nil)).WithGroup(key).Info("m", key, 1)
	if want := id(t, key) + "[redacted]." + id(t, key) + "[redacted]=1\n"; !strings.HasSuffix(out.String(), " msg=m "+want) {
		t.Errorf("%q; want %q", out.String(), want)
	}
}

// A value that changes with every look is looked at once.
func TestHandlerAsksOnce(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	logger := slog.New(leak.NewHandler(slog.NewTextHandler(&out, nil), nil))
	n := 0
	v := onceValuer(func() slog.Value {
		if n++; n == 1 {
			return slog.StringValue("first")
		}
		return slog.StringValue(key)
	})
	logger.Info("m", "v", v)
	if n != 1 || !strings.Contains(out.String(), "v=first") {
		t.Errorf("asked %d times: %q", n, out.String())
	}
	n = 0
	l := logger.With("v", v)
	out.Reset()
	l.Info("m")
	if n != 1 || !strings.Contains(out.String(), "v=first") {
		t.Errorf("with: asked %d times: %q", n, out.String())
	}
}

type onceValuer func() slog.Value

func (f onceValuer) LogValue() slog.Value { return f() }
