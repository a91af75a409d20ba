package apikey_test

import (
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testCommand = regexp.MustCompile("`(?:[A-Z_]+=[^ `]+ )*go test ([^`]*)`(?: in `([a-z]+)`)?")
	runCommand  = regexp.MustCompile("`(?:[A-Z_]+=[^ `]+ )*go run (\\./[a-z/]+)[^`]*`(?: in `([a-z]+)`)?")
	pattern     = regexp.MustCompile(`-(run|bench|fuzz) (?:'([^']*)'|(\S+))`)
)

// Every command that the documents name finds what it is to run: a test that was renamed would be "no tests to run", and ok.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	byFolder := map[string][]string{}
	for name := range testFunctions(t) {
		byFolder[path.Dir(name)] = append(byFolder[path.Dir(name)], path.Base(name))
	}
	commands := 0
	for _, file := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/security-cases.md", "docs/timing.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testCommand.FindAllStringSubmatch(string(text), -1) {
			command, args := m[0], m[1]
			if strings.Contains(args, "TestName") || strings.Contains(args, "...") && !strings.Contains(args, "-run") {
				continue // a form, and all tests
			}
			commands++
			words := strings.Fields(args)
			folder := path.Join(m[2], words[len(words)-1])
			functions := byFolder[folder]
			if len(functions) == 0 {
				t.Errorf("%s: %s: no test in %s", file, command, folder)
				continue
			}
			for _, p := range pattern.FindAllStringSubmatch(args, -1) {
				kind, expression := p[1], strings.ReplaceAll(p[2]+p[3], `\|`, "|") // as it is escaped in a table
				if expression == "xxx" {
					continue // none, on purpose
				}
				// Each part of it, not any: one that was renamed is missed. A subtest's part is not looked at.
				for part := range strings.SplitSeq(expression, "|") {
					part, _, _ = strings.Cut(part, "/")
					finds := func(name string) bool {
						isBench := strings.HasPrefix(name, "Benchmark") // seeds of fuzz targets are run, too
						return isBench == (kind == "bench") && regexp.MustCompile(part).MatchString(name)
					}
					if !slices.ContainsFunc(functions, finds) {
						t.Errorf("%s: %s: nothing in %s matches %s", file, command, folder, part)
					}
				}
			}
		}
		for _, m := range runCommand.FindAllStringSubmatch(string(text), -1) {
			commands++
			if files, err := os.ReadDir(path.Join(m[2], m[1])); err != nil || len(files) == 0 {
				t.Errorf("%s: %s: there is no such program", file, m[0])
			}
		}
	}
	if commands < 40 {
		t.Errorf("control: %d commands in the documents, tests in %v", commands, slices.Sorted(maps.Keys(byFolder)))
	}
}
