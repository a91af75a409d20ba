package bearer_test

import (
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/internal/bearer"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"Bearer abc":           "abc",
		"bearer abc":           "abc",
		"BEARER abc":           "abc",
		"bEaReR abc":           "abc",
		"Bearer":               "",
		"Bearer ":              "",
		"Bearer  abc":          " abc", // one space belongs to the scheme
		"Bearer a, Bearer b":   "a, Bearer b",
		"Bearer abc ":          "abc ",
		"":                     "another scheme",
		"Beare":                "another scheme",
		"Bearerabc":            "another scheme",
		"Bearer\tabc":          "",
		"Bearer\u00a0abc":      "",
		"Bearer/abc":           "",
		"Bearer\x00abc":        "",
		"Bearer~abc":           "another scheme",
		"Bearer-x abc":         "another scheme",
		" Bearer abc":          "another scheme",
		"Basic abc":            "another scheme",
		"ak_abc":               "another scheme",
		"\u212aearer abc":      "another scheme",
		"Bea\u017fer abc":      "another scheme",
		"\xe2earer abc":        "another scheme",
		"Bearer,abc":           "",
		"Bearer=abc Bearer ab": "",
	} {
		got, is := bearer.Credentials(value, "bearer")
		if !is {
			got = "another scheme"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	if _, is := bearer.Credentials("\u212aey abc", "key"); is { // the Kelvin sign folds to k in Unicode
		t.Error("the Kelvin sign was taken for a k")
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"abc": true, "A-Z._~+/09": true, "YQ==": true, "a": true,
		"": false, "=": false, "==": false, "a=b": false, "a b": false, " a": false, "a ": false, "a,b": false,
		"a\tb": false, "a\u0085": false, "\u00e4": false, "\xff": false, "a\x00": false, "a\"b": false, "a:b": false,
	} {
		if got := bearer.Valid(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

// What is taken for a Bearer credential is all of the header but its scheme and a space.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer", "Bearer a, Bearer b", "Basic YTpi", "\u212aearer x", "", "Bearer  x", "Bearer =", "Bearer\x00a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, is := bearer.Credentials(value, "bearer")
		if !is {
			if got != "" || strings.HasPrefix(value, "Bearer ") {
				t.Errorf("%q: %q", value, got)
			}
			return
		}
		if len(got) > 0 && value[6:] != " "+got || len(got) == 0 && strings.HasPrefix(value[6:], " ") && len(value) > 7 {
			t.Errorf("%q: %q", value, got)
		}
		if bearer.Valid(got) && strings.ContainsFunc(got, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == '"' }) {
			t.Errorf("%q is valid", got)
		}
	})
}
