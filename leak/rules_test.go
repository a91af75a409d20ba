package leak_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

// between returns the part of text that follows a beginning, up to an end.
func between(t *testing.T, text, beginning, end string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, beginning)
	part, _, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("no %q … %q in %s", beginning, end, text)
	}
	return part
}

// The patterns of the rules take every key, whatever stands around it, and little else.
func TestRulesPatterns(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"ak", "a", "my_ak_2", "a_prefix_of_24_charactrs"} {
		rules, err := leak.GitleaksRules(prefix)
		if err != nil {
			t.Fatal(err)
		}
		detectors, err := leak.TruffleHogDetectors("", prefix)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(detectors, "verify") {
			t.Errorf("nobody asked for: %s", detectors)
		}
		gitleaks := regexp.MustCompile(between(t, rules, "regex = '''", "'''"))
		truffleHog := regexp.MustCompile(between(t, detectors, "key: '", "'"))
		if gitleaks.NumSubexp() != 1 || truffleHog.NumSubexp() != 0 {
			t.Errorf("%d and %d groups", gitleaks.NumSubexp(), truffleHog.NumSubexp())
		}
		keys := issued(t, prefix, 50)
		for _, key := range keys {
			text := "\\n" + key + key + "_" + key + "z" + key + broken(key)
			for _, pattern := range []*regexp.Regexp{gitleaks, truffleHog} {
				got := pattern.FindAllString(text, -1)
				if strings.Join(got, " ") != strings.Join([]string{key, key, key, key, broken(key)}, " ") {
					t.Errorf("%s in %s: %q", pattern, text, got)
				}
			}
		}
		digits := keys[0][len(prefix)+1:]
		for what, text := range map[string]string{
			"no mark":         prefix + digits,
			"another prefix":  prefix[:len(prefix)-1] + "x_" + digits,
			"cut off":         prefix + "_" + digits[:71],
			"a - inside":      prefix + "_" + digits[:20] + "-" + digits[21:],
			"a word too high": prefix + "_" + digits[:22] + "M" + digits[23:],
			"the last one":    prefix + "_" + digits[:55] + "z" + digits[56:],
			"the checksum":    prefix + "_" + digits[:66] + "5" + digits[67:],
			"an example":      prefix + "_" + strings.Repeat("x", 72),
		} {
			if got := gitleaks.FindString(text); got != "" || truffleHog.MatchString(text) {
				t.Errorf("%s, %s: %q in %q", prefix, what, got, text)
			}
		}
	}
}

// A wrong prefix, or none, makes no rules: what is written into somebody's configuration is checked.
func TestRulesRefuse(t *testing.T) {
	t.Parallel()
	for what, prefixes := range map[string][]string{
		"none": nil, "empty": {"ak", ""}, "upper case": {"AK"}, "a quote": {"a'''\n"}, "YAML": {"a: b"}, "a pattern": {"a.*"}, "long": {strings.Repeat("a", 25)},
	} {
		_, err := leak.GitleaksRules(prefixes...)
		_, err2 := leak.TruffleHogDetectors("", prefixes...)
		for _, err := range []error{err, err2} {
			if invalid := new(apikey.ValidationError); !errors.As(err, &invalid) || invalid.Field != "prefixes" {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	for _, url := range []string{"http://a.example/", "ftp://a.example/", "https:///x", "https://", "/x", "x", "https://a.example/\n", "http://127.0.0.1.example/", "http://[::2]/"} {
		if _, err := leak.TruffleHogDetectors(url, "ak"); !errors.As(err, new(*apikey.ValidationError)) || strings.Contains(err.Error(), "example") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestRulesOfSeveralPrefixes(t *testing.T) {
	t.Parallel()
	rules, err := leak.GitleaksRules("b", "ak", "b")
	if err != nil {
		t.Fatal(err)
	}
	detectors, err := leak.TruffleHogDetectors("http://127.0.0.1:8080/a?b=\"c'&d", "b", "ak", "b")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(rules, "[[rules]]") != 2 || strings.Count(rules, "id = \"apikey-ak\"") != 1 || strings.Count(rules, "id = \"apikey-b\"") != 1 {
		t.Error(rules)
	}
	if strings.Count(detectors, "  - name: ") != 2 || strings.Count(detectors, "unsafe: true") != 2 ||
		strings.Count(detectors, `- endpoint: "http://127.0.0.1:8080/a?b=\"c'&d"`+"\n") != 2 {
		t.Error(detectors)
	}
}
