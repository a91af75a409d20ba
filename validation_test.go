package apikey_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

const century = 100 * 365 * 24 * time.Hour

// badTexts break the rules of every text.
var badTexts = map[string]string{
	"not UTF-8":       "abc\xff",
	"cut UTF-8":       "abc\xe2\x82",
	"a surrogate":     "abc\xed\xa0\x80",
	"overlong UTF-8":  "abc\xc0\xaf",
	"NUL":             "abc\x00",
	"newline":         "abc\n",
	"return":          "abc\rdef",
	"tab":             "abc\tdef",
	"escape":          "abc\x1b[31m",
	"DEL":             "abc\x7f",
	"C1, next line":   "abc\u0085",
	"C1, CSI":         "abc\u009b31m",
	"C1, the first":   "\u0080abc",
	"C1, the last":    "abc\u009f",
	"a million bytes": strings.Repeat("x", 1e6),
}

// characters returns so many, of four bytes each: bounds count characters.
func characters(n int) string { return strings.Repeat("\U0001f511", n) }

// textFields sets each text of a key to be created.
var textFields = []struct {
	field string
	max   int
	set   func(*apikey.CreateParams, string)
}{
	{"Subject", 255, func(p *apikey.CreateParams, s string) { p.Subject = s }},
	{"Name", 255, func(p *apikey.CreateParams, s string) { p.Name = s }},
	{"Description", 1024, func(p *apikey.CreateParams, s string) { p.Description = s }},
	{"Type", 25, func(p *apikey.CreateParams, s string) { p.Type = s }},
	{"CreatedBy", 255, func(p *apikey.CreateParams, s string) { p.CreatedBy = s }},
}

func valid() apikey.CreateParams { return apikey.CreateParams{Subject: "user_1", Name: "key"} }

// wantCreateInvalid checks that nothing is created, and that the error does not repeat the value.
func wantCreateInvalid(t *testing.T, what string, p apikey.CreateParams, field, value string) {
	t.Helper()
	store := memstore.New()
	key, secret, err := newIssuer(t, store, apikey.IssuerOptions{}).Create(t.Context(), p)
	wantInvalid(t, field+" "+what, err, field)
	if key != nil || secret.Reveal() != "" {
		t.Errorf("%s %s: a key beside an error", field, what)
	}
	if err != nil && (len(value) < 1000 && value != "" && leak(value, err.Error()) != "" || len(err.Error()) > 200) {
		t.Errorf("%s %s: the error repeats the value: %.200s", field, what, err)
	}
	if n, err := store.Count(t.Context(), apikey.Filter{}); n != 0 || err != nil {
		t.Errorf("%s %s: %d records, %v", field, what, n, err)
	}
}

func TestCreateTexts(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	for _, f := range textFields {
		for what, text := range badTexts {
			p := valid()
			f.set(&p, text)
			wantCreateInvalid(t, what, p, f.field, text)
		}
		for what, text := range map[string]string{
			"too long": strings.Repeat("x", f.max+1), "too long, of four bytes each": characters(f.max + 1),
		} {
			p := valid()
			f.set(&p, text)
			wantCreateInvalid(t, what, p, f.field, text)
		}
		for what, text := range map[string]string{
			"at the bound": strings.Repeat("x", f.max), "at the bound, of four bytes each": characters(f.max),
			"with spaces": " a b ", "right to left": "\u05d0\u05d1\u05d2", "with U+00A0": "a\u00a0b", "U+FFFD": "a\ufffdb",
		} {
			p := valid()
			f.set(&p, text)
			if _, _, err := issuer.Create(t.Context(), p); err != nil {
				t.Errorf("%s %s: %v", f.field, what, err)
			}
		}
	}
	for _, c := range []struct{ field, subject, name, kind string }{
		{"Subject", "", "key", ""}, {"Name", "user_1", "", ""}, {"Subject", "", "", ""},
		{"Type", "user_1", "key", "a"}, {"Type", "user_1", "key", "ab"}, {"Type", "user_1", "key", "\U0001f511\U0001f511"},
	} {
		wantCreateInvalid(t, "empty or short", apikey.CreateParams{Subject: c.subject, Name: c.name, Type: c.kind}, c.field, "")
	}
	if _, _, err := issuer.Create(t.Context(), apikey.CreateParams{Subject: "user_1", Name: "key", Type: "abc"}); err != nil {
		t.Errorf("a type of 3 characters: %v", err)
	}
}

// badScopes and goodScopes go by RFC 6749, section 3.3: %x21 / %x23-5B / %x5D-7E.
func badScopes() map[string][]string {
	bad := map[string][]string{
		"empty":     {""},
		"second":    {"read", ""},
		"too long":  {strings.Repeat("x", 256)},
		"too many":  slices.Repeat([]string{"x"}, 101),
		"not ASCII": {"\u00e9"},
		"not UTF-8": {"a\xff"},
	}
	for c := range 256 {
		if c <= ' ' || c == '"' || c == '\\' || c >= 0x7f {
			bad[string(rune(c))] = []string{"ok", "a" + string([]byte{byte(c)}) + "b"}
		}
	}
	return bad
}

func goodScopes() map[string][]string {
	good := map[string][]string{
		"none":         {},
		"at the bound": {strings.Repeat("x", 255)},
		"as many":      slices.Repeat([]string{"x"}, 100),
	}
	for c := 0x21; c < 0x7f; c++ {
		if c != '"' && c != '\\' {
			good[string(rune(c))] = []string{string(rune(c)), "a" + string(rune(c))}
		}
	}
	return good
}

// badClaims and goodClaims are JSON of at most 16 KiB or not.
func badClaims() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"a byte too long":        json.RawMessage(`"` + strings.Repeat("x", 16<<10-1) + `"`),
		"too long of spaces":     json.RawMessage(strings.Repeat(" ", 16<<10) + "1"),
		"a megabyte":             make([]byte, 1<<20),
		"a word":                 json.RawMessage(`word`),
		"cut":                    json.RawMessage(`{"a":1`),
		"two values":             json.RawMessage(`1 2`),
		"a value and a comma":    json.RawMessage(`{},`),
		"single quotes":          json.RawMessage(`{'a':1}`),
		"a comma too many":       json.RawMessage(`[1,]`),
		"a comment":              json.RawMessage(`{} // none`),
		"spaces alone":           json.RawMessage(` `),
		"not UTF-8":              json.RawMessage("\"a\xff\""),
		"a byte order mark":      json.RawMessage("\ufeff{}"),
		"NaN":                    json.RawMessage(`NaN`),
		"a leading zero":         json.RawMessage(`01`),
		"a raw newline":          json.RawMessage("\"a\nb\""),
		"NUL after":              json.RawMessage("{}\x00"),
		"sixteen thousand deep":  json.RawMessage(strings.Repeat("[", 16<<10)),
		"a lone surrogate's UTF": json.RawMessage("\"\xed\xa0\x80\""),
	}
}

func goodClaims() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"nil":             nil,
		"empty":           {},
		"at the bound":    json.RawMessage(`"` + strings.Repeat("x", 16<<10-2) + `"`),
		"spaces at bound": json.RawMessage(strings.Repeat(" ", 16<<10-1) + "1"),
		"deep":            json.RawMessage(strings.Repeat("[", 1000) + strings.Repeat("]", 1000)),
	}
}

func TestCreateScopesAndClaims(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	for what, scopes := range badScopes() {
		p := valid()
		p.Scopes = scopes
		wantCreateInvalid(t, what, p, "Scopes", scopes[len(scopes)-1])
	}
	for what, scopes := range goodScopes() {
		if key, _ := newKey(t, issuer, apikey.CreateParams{Scopes: scopes}); !slices.Equal(key.Scopes(), scopes) {
			t.Errorf("%s: %v", what, key.Scopes())
		}
	}
	for what, claims := range badClaims() {
		p := valid()
		p.Claims = claims
		wantCreateInvalid(t, what, p, "Claims", "")
	}
	for what, claims := range goodClaims() {
		if key, _ := newKey(t, issuer, apikey.CreateParams{Claims: claims}); strings.TrimSpace(string(claims)) != string(key.Claims()) {
			t.Errorf("%s: %d bytes", what, len(key.Claims()))
		}
	}
}

// badLifetimes are not from 1 second to 100 years. What rounds to nothing would live for ever.
var badLifetimes = map[string]time.Duration{
	"a nanosecond":              1,
	"a millisecond":             time.Millisecond,
	"999 ms":                    999 * time.Millisecond,
	"a nanosecond less":         time.Second - 1,
	"a century and 1 ms":        century + time.Millisecond,
	"a century and 1 ns":        century + 1,
	"-1 ns":                     -1,
	"-1 s":                      -time.Second,
	"all that there is":         math.MaxInt64,
	"all that there is, behind": math.MinInt64,
}

func TestCreateExpiries(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	for what, in := range badLifetimes {
		p := valid()
		p.ExpiresIn = in
		wantCreateInvalid(t, what, p, "ExpiresIn", "")
	}
	for what, at := range map[string]time.Time{
		"past":               time.Now().Add(-time.Hour),
		"now":                time.Now(),
		"under a second":     time.Now().Add(900 * time.Millisecond),
		"over a century":     time.Now().Add(century + time.Minute),
		"1970":               time.Unix(0, 0),
		"year 1":             time.Time{}.Add(1),
		"year 10000":         time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		"292 billion years":  time.Unix(math.MaxInt64, 0),
		"-292 billion years": time.Unix(math.MinInt64, 0),
		"an overflow":        time.Now().Add(math.MaxInt64),
	} {
		p := valid()
		p.ExpiresAt = at
		wantCreateInvalid(t, what, p, "ExpiresAt", "")
	}
	both := valid()
	both.ExpiresIn, both.ExpiresAt = time.Hour, time.Now().Add(time.Hour)
	wantCreateInvalid(t, "and ExpiresIn", both, "ExpiresAt", "")
	both.ExpiresIn = -1
	wantCreateInvalid(t, "and a wrong ExpiresIn", both, "ExpiresAt", "")

	for what, p := range map[string]apikey.CreateParams{
		"1 s": {ExpiresIn: time.Second}, "a century": {ExpiresIn: century}, "in a minute": {ExpiresAt: time.Now().Add(time.Minute)},
		"at a century": {ExpiresAt: time.Now().Add(century - time.Minute)},
	} {
		from, to := p.ExpiresAt, p.ExpiresAt
		if p.ExpiresIn != 0 {
			from = time.Now().Add(p.ExpiresIn)
		}
		key, _ := newKey(t, issuer, p)
		if p.ExpiresIn != 0 {
			to = time.Now().Add(p.ExpiresIn)
		}
		at, ok := key.ExpiresAt()
		if !ok || !within(at, from, to) || at.Nanosecond()%1e6 != 0 || at.Location() != time.UTC {
			t.Errorf("%s: %v, %v; want %v to %v", what, at, ok, from, to)
		}
	}
}
