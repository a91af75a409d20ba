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
		like := len(digits) >= 30 && strings.ContainsAny(digits, base62[:10]) && strings.ContainsAny(digits, base62[10:36]) &&
			strings.ContainsAny(digits, base62[36:])
		if len(prefixes) > 0 {
			like = len(digits) >= 30 && !(len(digits) == 32 && strings.TrimLeft(digits, "0123456789abcdef") == "")
		}
		for start := max(0, at-24); start < at && like; start++ {
			prefix := text[start:at]
			ofPrefix := len(prefixes) == 0 && prefix[0] >= 'a' && prefix[0] <= 'z' && strings.Trim(prefix, base62[:10]+base62[36:]+"_") == ""
			if ofPrefix || slices.Contains(prefixes, prefix) {
				found = append(found, span{at + 1, end, ""})
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
		"8 digits of secret":    {key[:3+30], "ak_[redacted]", "ak_[redacted]"},
		"cut off":               {key[:74] + ".", "ak_[redacted].", "ak_[redacted]."},
		"mistyped":              {"x" + broken(key) + "x", "xak_[redacted]x", "xak_[redacted]x"},
		"mistyped, longer":      {broken(other), "my_ak_[redacted]", "my_ak_[redacted]"},
		"cut off, and a key":    {key[:40] + key, "ak_[redacted]" + keyID, "ak_[redacted]" + keyID},
		"and one with a mark":   {key[:40] + "_" + key, "ak_[redacted]_" + keyID, "ak_[redacted]_" + keyID},
		"32 digits, not an id":  {"ak_" + strings.Repeat("aF", 16), "ak_" + strings.Repeat("aF", 16), "ak_[redacted]"},
		"33 digits of hex":      {"ak_" + strings.Repeat("a", 33), "ak_" + strings.Repeat("a", 33), "ak_[redacted]"},
		"a hash":                {"x_" + strings.Repeat("0a", 32), "x_" + strings.Repeat("0a", 32), "x_" + strings.Repeat("0a", 32)},
		"a long name":           {"test_ThisIsALongNameOfSomethingOrOther", "test_ThisIsALongNameOfSomethingOrOther", "test_ThisIsALongNameOfSomethingOrOther"},
		"no small letter":       {"ak_" + strings.Repeat("A1", 15), "ak_" + strings.Repeat("A1", 15), "ak_[redacted]"},
		"a decoy in front":      {decoy + key, decoy + keyID, decoy + keyID},
		"no prefix":             {"(_" + secret, "(_" + secret, "(_" + secret},
		"another prefix":        {"bk_" + secret, "bk_[redacted]", "bk_" + secret},
		"what has been treated": {keyID + otherID + "ak_[redacted]", keyID + otherID + "ak_[redacted]", keyID + otherID + "ak_[redacted]"},
	} {
		for _, r := range []*leak.Redactor{nil, {}, redactor(t)} {
			if got := r.Redact(c.text); got != c.any {
				t.Errorf("%s: %q; want %q", what, got, c.any)
			}
		}
		known := redactor(t, "ak", "my_ak")
		if got := known.Redact(c.text); got != c.known {
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

// Without prefixes, too, nothing is left of the secret of a key that was cut off, or has a wrong digit, anywhere.
func TestRedactWithoutPrefixes(t *testing.T) {
	t.Parallel()
	for _, key := range append(issued(t, "", 20), issued(t, "my_ak", 20)...) {
		digits := strings.LastIndexByte(key, '_') + 1
		texts := map[string]string{}
		for n := range key {
			texts[key[:n]] = "cut off"
		}
		for i := digits; i < len(key); i++ {
			for _, digit := range "0aZ" {
				texts[key[:i]+string(digit)+key[i+1:]] = "mistyped"
			}
		}
		for text, what := range texts {
			if len(text) > digits && !strings.ContainsAny(text[digits:], base62[36:]) {
				continue // one in 10^6 of the shortest
			}
			for _, r := range []*leak.Redactor{nil, {}, redactor(t)} {
				if shown := secretShown(key, r.Redact("key="+text+",")); shown != "" {
					t.Errorf("%s: %q is left of %q", what, shown, text)
				}
			}
			if what == "mistyped" && text != key && !strings.HasPrefix((*leak.Redactor)(nil).Redact(text), key[:digits]+"[redacted]") {
				t.Errorf("%q became %q", text, (*leak.Redactor)(nil).Redact(text))
			}
		}
	}
}
