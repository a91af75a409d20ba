// Package gitleaks_test runs gitleaks with the rules that package leak makes, and nothing else, over files with 10,000
// keys and over files with none, and reads what it makes for TruffleHog.
package gitleaks_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey/leak"
)

const version = "github.com/zricethezav/gitleaks/v8@v8.30.1"

// leaksFound is the exit code that gitleaks is told to end with if it has found something. Its others are 1 and 126.
const leaksFound = 7

// build builds gitleaks and returns its path.
func build(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", version)
	cmd.Dir = folder // in no module
	cmd.Env = append(os.Environ(), "GOBIN="+folder, "GOWORK=off", "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		if os.Getenv("APIKEY_REQUIRE_NETWORK") != "1" && offline(string(out)) {
			t.Skipf("SKIPPED: no network, and gitleaks is not in the cache; APIKEY_REQUIRE_NETWORK=1 makes this a failure\n%s", out)
		}
		t.Fatalf("go install %s: %v\n%s", version, err, out)
	}
	return filepath.Join(folder, "gitleaks")
}

// offline tells a download that could not be tried from a version that is wrong.
func offline(output string) bool {
	for _, sign := range []string{"dial tcp", "no such host", "connection refused", "i/o timeout", "TLS handshake", "module lookup disabled", "proxyconnect"} {
		if strings.Contains(output, sign) {
			return true
		}
	}
	return false
}

// find is what gitleaks reports.
type find struct {
	RuleID, Match, Secret, File string
	Entropy                     float64
}

// run runs gitleaks with a configuration over a folder.
func run(t *testing.T, gitleaks, config, folder string) (finds []find) {
	t.Helper()
	work := t.TempDir()
	rules, report := filepath.Join(work, "rules.toml"), filepath.Join(work, "report.json")
	if err := os.WriteFile(rules, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), gitleaks, "dir", "--config", rules, "--report-format", "json", "--report-path", report,
		"--exit-code", "7", "--no-banner", "--no-color", "--log-level", "warn", folder)
	cmd.Dir = work // where no .gitleaksignore is
	out, err := cmd.CombinedOutput()
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("%v; exit code %d: %s", err, code, out)
	}
	if err := json.Unmarshal(data, &finds); err != nil {
		t.Fatal(err)
	}
	if want := map[bool]int{true: leaksFound}[len(finds) > 0]; code != want || strings.Contains(string(out), "ERR") {
		t.Fatalf("exit code %d with %d finds: %s", code, len(finds), out)
	}
	return finds
}

func TestGitleaks(t *testing.T) {
	t.Parallel()
	gitleaks := build(t)
	t.Run("every key", func(t *testing.T) { everyKey(t, gitleaks) })
	t.Run("hostile prefixes", func(t *testing.T) { hostilePrefixes(t, gitleaks) })
	t.Run("no key", func(t *testing.T) { noKey(t, gitleaks) })
}

// leftOut is what gitleaks, with its own rules, takes for no secret: one key in 300,000.
var leftOut = regexp.MustCompile("(?i)_[^_]*false[^_]*$|null$")

// All of 10,000 keys are found, wherever they stand, by the rules alone and beside gitleaks' own.
func everyKey(t *testing.T, gitleaks string) {
	keys := issue(t, 9000, "ak")
	maps.Copy(keys, issue(t, 1000, "acme_live"))
	folder := scatter(t, slices.Sorted(maps.Keys(keys)))
	if n := scan(t, folder, func(f leak.Found) {
		if keys[f.Reveal()] != f.Prefix {
			t.Errorf("Scan: %s of the prefix %s", f, f.Prefix)
		}
	}); n != len(keys) || n != 10_000 {
		t.Fatalf("Scan finds %d of %d keys", n, len(keys))
	}
	// Control: the usual rule, with a boundary in front and behind, misses many.
	usual, taken := regexp.MustCompile(`\b(?:ak|acme_live)_[0-9A-Za-z]{72}\b`), 0
	walk(t, folder, func(_ string, text []byte) { taken += len(usual.FindAll(text, -1)) })
	if taken > len(keys)*9/10 {
		t.Errorf("control: of %d keys %d stand alone", len(keys), taken)
	}
	rules, err := leak.GitleaksRules("ak", "acme_live")
	if err != nil {
		t.Fatal(err)
	}
	for how, config := range map[string]string{"alone": rules, "beside its own": "[extend]\nuseDefault = true\n\n" + rules} {
		found, least := make(map[string]bool), math.MaxFloat64
		for _, f := range run(t, gitleaks, config, folder) {
			prefix, ok := strings.CutPrefix(f.RuleID, "apikey-")
			if !ok {
				if how == "alone" {
					t.Errorf("found by the rule %s", f.RuleID)
				}
				continue
			}
			if keys[f.Match] != prefix {
				t.Errorf("%s, in %s: not a key of the prefix %s", how, f.File, prefix)
			}
			found[f.Match] = true
			least = min(least, f.Entropy)
		}
		t.Logf("%s: %d of %d keys in %d files, the least entropy is %.2f", how, len(found), len(keys), files(t, folder), least)
		for key := range keys {
			if !found[key] && (how == "alone" || !leftOut.MatchString(key)) {
				t.Errorf("%s: %d of %d keys; not found: %s", how, len(found), len(keys), context(t, folder, key))
				break
			}
		}
		if least < 4 {
			t.Errorf("%s: a key has an entropy of %.2f: the rules ask for 3", how, least)
		}
	}
}

// What gitleaks takes for no secret, such as true… and …false…, may be a prefix all the same.
func hostilePrefixes(t *testing.T, gitleaks string) {
	prefixes := []string{"truelayer", "falsework", "a_false", "null", "my_ak", "abcdefghijklmnopqrstuvwx"}
	rules, err := leak.GitleaksRules(prefixes...)
	if err != nil {
		t.Fatal(err)
	}
	for _, prefix := range prefixes {
		keys := issue(t, 50, prefix)
		found := make(map[string]bool)
		for _, f := range run(t, gitleaks, "[extend]\nuseDefault = true\n\n"+rules, scatter(t, slices.Sorted(maps.Keys(keys)))) {
			if f.RuleID == "apikey-"+prefix && keys[f.Match] == prefix && prefix+"_"+f.Secret == f.Match {
				found[f.Match] = true
			}
		}
		for key := range keys {
			if !found[key] && !leftOut.MatchString(key) {
				t.Errorf("%s: %d of %d keys; not found: %s", prefix, len(found), len(keys), key)
				break
			}
		}
	}
}

// Nothing is found in files without a key, and of what looks like one to gitleaks, the checksum leaves nothing.
func noKey(t *testing.T, gitleaks string) {
	rules, err := leak.GitleaksRules("ak", "acme_live")
	if err != nil {
		t.Fatal(err)
	}
	clean, near := lookAlikes(t), nearKeys(t)
	for what, folder := range map[string]string{"look-alikes": clean, "what is nearly a key": near} {
		if n := scan(t, folder, func(f leak.Found) { t.Errorf("%s: Scan finds %s", what, f) }); n != 0 {
			t.Errorf("%s: Scan finds %d keys", what, n)
		}
	}
	for _, f := range run(t, gitleaks, rules, clean) {
		t.Errorf("gitleaks finds, in %s: %s", f.File, f.Secret)
	}
	finds := run(t, gitleaks, rules, near)
	if len(finds) < broken {
		t.Errorf("control: gitleaks takes %d texts for keys; want %d with a wrong checksum", len(finds), broken)
	}
	for _, f := range finds {
		for found := range leak.Scan(strings.NewReader(f.Match)) {
			t.Errorf("what is left of what gitleaks finds: %s", found)
		}
	}
	t.Logf("gitleaks: 0 finds in %d files of look-alikes; %d in %d files of what is nearly a key, 0 of them with a checksum", files(t, clean), len(finds), files(t, near))
}
