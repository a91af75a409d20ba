package gitleaks_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

// configuration is that of TruffleHog 3 for custom detectors, as far as ours goes: CUSTOM_DETECTORS.md and
// custom_detectors.proto of https://github.com/trufflesecurity/trufflehog. TruffleHog itself is not run.
type configuration struct {
	Detectors []struct {
		Name     string
		Keywords []string
		Regex    map[string]string
		Verify   []struct {
			Endpoint      string
			Unsafe        bool
			SuccessRanges []string `yaml:"successRanges"`
			RotatedRanges []string `yaml:"rotatedRanges"`
		}
	}
}

// The configuration is YAML that says what was asked for, and its expressions find every key, and nothing in files without.
func TestTruffleHog(t *testing.T) {
	t.Parallel()
	const endpoint = `https://api.example.com/leaked?from="truffle'hog"&x=é#: {}`
	text, err := leak.TruffleHogDetectors(endpoint, "ak", "acme_live")
	if err != nil {
		t.Fatal(err)
	}
	var c configuration
	decoder := yaml.NewDecoder(strings.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil || len(c.Detectors) != 2 {
		t.Fatalf("%v in\n%s", err, text)
	}
	keys := issue(t, 9000, "ak")
	maps.Copy(keys, issue(t, 1000, "acme_live"))
	full, clean := scatter(t, slices.Sorted(maps.Keys(keys))), lookAlikes(t)
	found := make(map[string]string)
	for _, d := range c.Detectors {
		pattern := regexp.MustCompile(d.Regex["key"])
		if len(d.Regex) != 1 || len(d.Keywords) != 1 || len(d.Verify) != 1 {
			t.Fatalf("%+v", d)
		}
		v := d.Verify[0]
		if v.Unsafe || !slices.Equal(v.SuccessRanges, []string{"200"}) || !slices.Equal(v.RotatedRanges, []string{"401", "403"}) ||
			!strings.HasPrefix(v.Endpoint, `https://api.example.com/leaked?from="truffle'hog"&x=é#`) {
			t.Errorf("%+v", v)
		}
		walk(t, full, func(_ string, text []byte) {
			for _, match := range pattern.FindAllString(string(text), -1) {
				if strings.Contains(match, d.Keywords[0]) { // what does not is not looked at
					found[match] = strings.TrimPrefix(d.Name, "apikey-")
				}
			}
		})
		walk(t, clean, func(path string, text []byte) {
			for _, match := range pattern.FindAllString(string(text), -1) {
				if !slices.Equal(slices.Compact([]byte(match[strings.LastIndexByte(match, '_')+1:])), []byte(match[len(match)-1:])) { // 0000…
					t.Errorf("in %s: %s", path, match)
				}
			}
		})
	}
	if !maps.Equal(found, keys) {
		t.Errorf("%d of %d keys", len(found), len(keys))
	}
}
