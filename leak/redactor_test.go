package leak_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

func redactor(t testing.TB, prefixes ...string) *leak.Redactor {
	t.Helper()
	r, err := leak.NewRedactor(prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// redacted is Redact without any thought.
func redacted(text string, prefixes ...string) string {
	type span struct {
		start, end int
		public     string
	}
	var spans []span
	for at := range len(text) {
		if text[at] != '_' {
			continue
		}
		digits := text[at+1:]
		digits = digits[:min(72, len(digits)-len(strings.TrimLeft(digits, base62)))]
		end := at + 1 + len(digits)
		var found []span // whole keys first, then what begins like one, the longest first
		for start := max(0, at-24); start < at; start++ {
			if prefix := text[start:at]; len(prefixes) > 0 && !slices.Contains(prefixes, prefix) {
				continue
			} else if id, err := apikey.KeyID(text[start:end]); err == nil {
				found = append(found, span{start, end, id})
			}
		}
		hexadecimal := len(digits) == 32 && strings.TrimLeft(digits, "0123456789abcdef") == ""
		for start := max(0, at-24); start < at && len(digits) >= 30 && !hexadecimal; start++ {
			if slices.Contains(prefixes, text[start:at]) {
				found = append(found, span{start, end, text[start : at+1]})
			}
		}
		if len(found) > 0 {
			spans = append(spans, found[0])
		}
	}
	out, done := "", 0
	for _, s := range spans {
		out += text[done:max(done, s.start)] + s.public + "[redacted]"
		done = s.end
	}
	return out + text[done:]
}

func TestRedact(t *testing.T) {
	t.Parallel()
	key, other := issued(t, "", 1)[0], issued(t, "my_ak", 1)[0]
	keyID, otherID := id(t, key)+"[redacted]", id(t, other)+"[redacted]"
	secret := key[3:]
	for what, c := range map[string]struct{ text, any, known string }{
		"nothing":               {"", "", ""},
		"no key":                {"a_b and ak_x", "a_b and ak_x", "a_b and ak_x"},
		"a key":                 {key, keyID, keyID},
		"two":                   {"<" + key + other + ">", "<" + keyID + otherID + ">", "<" + keyID + otherID + ">"},
		"a key, and digits":     {key + "0z", keyID + "0z", keyID + "0z"},
		"its id":                {id(t, key), id(t, key), id(t, key)},
		"its id, twice":         {id(t, key) + " " + id(t, key), id(t, key) + " " + id(t, key), id(t, key) + " " + id(t, key)},
		"its hint":              {key[:25], key[:25], key[:25]},
		"7 digits of secret":    {key[:3+29], key[:3+29], key[:3+29]},
		"8 digits of secret":    {key[:3+30], key[:3+30], "ak_[redacted]"},
		"cut off":               {key[:74] + ".", key[:74] + ".", "ak_[redacted]."},
		"mistyped":              {"x" + broken(key) + "x", "x" + broken(key) + "x", "xak_[redacted]x"},
		"mistyped, longer":      {broken(other), broken(other), "my_ak_[redacted]"},
		"cut off, and a key":    {key[:40] + key, key[:40] + keyID, "ak_[redacted]" + keyID[len("ak_"):]},
		"and one with a mark":   {key[:40] + "_" + key, key[:40] + "_" + keyID, "ak_[redacted]_" + keyID},
		"32 digits, not an id":  {"ak_" + strings.Repeat("aF", 16), "ak_" + strings.Repeat("aF", 16), "ak_[redacted]"},
		"33 digits of hex":      {"ak_" + strings.Repeat("a", 33), "ak_" + strings.Repeat("a", 33), "ak_[redacted]"},
		"another prefix":        {"bk_" + secret, "bk_" + secret, "bk_" + secret},
		"what has been treated": {keyID + otherID + "ak_[redacted]", keyID + otherID + "ak_[redacted]", keyID + otherID + "ak_[redacted]"},
	} {
		if what == "cut off, and a key" {
			c.known = "" // below
		}
		for _, r := range []*leak.Redactor{nil, {}, redactor(t)} {
			if got := r.Redact(c.text); got != c.any {
				t.Errorf("%s: %q; want %q", what, got, c.any)
			}
		}
		known := redactor(t, "ak", "my_ak")
		if got := known.Redact(c.text); got != c.known && c.known != "" {
			t.Errorf("%s, by prefixes: %q; want %q", what, got, c.known)
		} else if again := known.Redact(got); again != got {
			t.Errorf("%s, twice: %q; want %q", what, again, got)
		}
		if got, want := known.Redact(c.text), redacted(c.text, "ak", "my_ak"); got != want {
			t.Errorf("%s, by prefixes: %q; the reference says %q", what, got, want)
		}
	}
	if _, err := leak.NewRedactor("ak", "AK"); !errors.As(err, new(*apikey.ValidationError)) {
		t.Errorf("a wrong prefix: %v", err)
	}
	prefixes := []string{"ak"}
	r := redactor(t, prefixes...)
	prefixes[0] = "bk"
	if got := r.Redact(broken(key)); got != "ak_[redacted]" {
		t.Errorf("the prefixes were changed from outside: %q", got)
	}
}
