package leak_test

import (
	"bytes"
	"context"
	"encoding/base64"
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
func TestLogHandlerContract(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return leak.NewLogHandler(slog.NewJSONHandler(&out, nil), nil)
	}, func(t *testing.T) map[string]any {
		var m map[string]any
		if err := json.Unmarshal(out.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return leak.NewLogHandler(slog.NewTextHandler(&out, nil), nil)
	}, func(*testing.T) map[string]any {
		top := map[string]any{}
		for _, field := range strings.Fields(out.String()) {
			name, value, _ := strings.Cut(field, "=")
			m, names := top, strings.Split(name, ".")
			for _, group := range names[:len(names)-1] {
				if m[group] == nil {
					m[group] = map[string]any{}
				}
				m = m[group].(map[string]any)
			}
			m[names[len(names)-1]] = value
		}
		return top
	})
}

// No kind of value brings a key into a log, and each leaves there which key it was, but where the other handler shows
// neither. It shows what it would have shown, and no more.
func TestLogHandlerRedacts(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	for name, c := range map[string]struct {
		text, want string
		r          *leak.Redactor
	}{"key": {key, id(t, key) + "[redacted]", nil}, "broken key": {broken(key), "ak_[redacted]", redactor(t, "ak")}} {
		shownWithout := 0
		for what, v := range values(c.text) {
			without := logged(v, plain)
			for how, line := range logged(v, func(h slog.Handler) slog.Handler { return leak.NewLogHandler(h, c.r) }) {
				want := without[how]
				if strings.Contains(want, c.text) {
					shownWithout++
					want = strings.ReplaceAll(want, c.text, c.want)
				}
				if shown := secretShown(c.text, line); shown != "" {
					t.Errorf("%s, %s, %s: %q in %s", name, what, how, shown, line)
				}
				if line != want && what != "request" && !strings.HasPrefix(what, "bytes") {
					t.Errorf("%s, %s, %s: %s; want %s", name, what, how, line, want)
				}
				if strings.HasPrefix(how, "json") && !json.Valid([]byte(`{"level`+line)) {
					t.Errorf("%s, %s, %s: not JSON: %s", name, what, how, line)
				}
			}
		}
		if shownWithout < 250 {
			t.Errorf("control: without the handler %d lines show the key", shownWithout)
		}
	}
}

// What a JSONHandler shows is what it would show, without the key.
func TestLogHandlerShows(t *testing.T) {
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
		"query":                   {address.Query(), `{"key":["` + keyID + `"]}`},
		"stringer":                {stringer{key}, `{}`},
		"text marshaler":          {texter{key}, `"` + keyID + `"`},
		"bytes":                   {[]byte("<" + key), `"` + base64.StdEncoding.EncodeToString([]byte("<"+keyID)) + `"`},
		"raw JSON":                {json.RawMessage(`{"k":["` + key + `"]}`), `{"k":["` + keyID + `"]}`},
		"JSON marshaler":          {marshaler{"\n" + key}, `{"a":1,"text":"\n` + keyID + `"}`},
		"struct":                  {&exported{Next: &exported{Text: key}}, `{"text":"","next":{"text":"` + keyID + `"}}`},
		"header":                  {http.Header{"A": {"b", key}}, `{"A":["b","` + keyID + `"]}`},
		"unexported":              {unexported{key, 1}, `{}`},
		"marshaler that fails":    {noJSON{errors.New(key)}, `"!ERROR:json: error calling MarshalJSON for type leak_test.noJSON: ` + keyID + `"`},
		"panic":                   {panics{key}, `"!PANIC: no ` + keyID + `"`},
	} {
		var out bytes.Buffer
		slog.New(leak.NewLogHandler(slog.NewJSONHandler(&out, nil), nil)).Info("m", "v", c.value)
		if want := `"msg":"m","v":` + c.json + "}\n"; !strings.HasSuffix(out.String(), want) {
			t.Errorf("%s: %s; want %s", what, out.String(), want)
		}
	}
}

// What holds no key is passed on as it is.
func TestLogHandlerPassesOn(t *testing.T) {
	t.Parallel()
	others := values("no key <&>")
	others["nil"] = slog.AnyValue(nil)
	others["nil pointer"] = slog.AnyValue((*nilPanics)(nil))
	others["nil text"] = slog.AnyValue((*noText)(nil))
	others["nil source"] = slog.AnyValue((*slog.Source)(nil))
	others["nil URL"] = slog.AnyValue((*url.URL)(nil))
	others["numbers"] = slog.AnyValue([]int{1, 2})
	others["binary"] = slog.AnyValue([]byte{0, 255})
	for what, v := range map[string]slog.Value{"int": slog.IntValue(-1), "uint": slog.Uint64Value(1), "float": slog.Float64Value(.1), "bool": slog.BoolValue(true),
		"duration": slog.DurationValue(time.Second), "time": slog.TimeValue(time.Unix(1, 0).UTC()), "zero": {}} {
		others[what] = v
	}
	delete(others, "request") // prints addresses
	for what, v := range others {
		want := logged(v, plain)
		for how, line := range logged(v, func(h slog.Handler) slog.Handler { return leak.NewLogHandler(h, redactor(t, "ak")) }) {
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
func TestLogHandlerRecord(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	keyID := id(t, key) + "[redacted]"
	next := &records{err: errDisk}
	h := leak.NewLogHandler(next, nil)
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
func TestLogHandlerGroupName(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	slog.New(leak.NewLogHandler(slog.NewTextHandler(&out, nil), nil)).WithGroup(key).Info("m", key, 1)
	if want := id(t, key) + "[redacted]." + id(t, key) + "[redacted]=1\n"; !strings.HasSuffix(out.String(), " msg=m "+want) {
		t.Errorf("%q; want %q", out.String(), want)
	}
}

// A value that changes with every look is looked at once.
func TestLogHandlerAsksOnce(t *testing.T) {
	t.Parallel()
	key := issued(t, "", 1)[0]
	var out bytes.Buffer
	logger := slog.New(leak.NewLogHandler(slog.NewTextHandler(&out, nil), nil))
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
