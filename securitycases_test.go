package apikey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows returns the ids that docs/security-cases.md has, each once: they are stable.
func rows() (all []string) {
	for _, group := range []struct {
		name string
		last int
	}{{"A", 10}, {"B", 4}, {"C", 14}, {"D", 10}, {"E", 9}, {"F", 6}, {"G", 4}, {"H", 11}, {"ID", 8}} {
		for n := range group.last {
			all = append(all, group.name+strconv.Itoa(n+1))
		}
	}
	return append(all, "PHC", "HDR", "CAN", "JWT", "GIT", "SCN")
}

var (
	row      = regexp.MustCompile(`(?m)^\| ([A-Z]+[0-9]*) \|.*\| (.*) \|$`)
	named    = regexp.MustCompile("`((?:[a-z]+/)*)((?:Test|Fuzz)[A-Z][A-Za-z0-9_]*)`")
	ofARow   = regexp.MustCompile(`^Test(CVE_|GO_|([A-CE-H]|ID)[0-9]+_|D[0-9])`)
	isTest   = regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]`)
	ofACVE   = regexp.MustCompile(`^TestCVE_([0-9]+)_([0-9]+)_`)
	isReason = regexp.MustCompile(`^Can't occur: .{40,}`)
)

// Every row of the catalogue of known bugs has a test that exists, or a reason, and what is named after a row or a CVE is in it.
func TestSecurityCases(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/security-cases.md")
	if err != nil {
		t.Fatal(err)
	}
	functions := testFunctions(t)
	if !functions["TestSecurityCases"] || !functions["hash/TestRFC9106"] || len(functions) < 500 {
		t.Fatalf("control: %d tests were found", len(functions))
	}
	var seen []string
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		id, here := m[1], m[2]
		if seen = append(seen, id); !named.MatchString(here) && !isReason.MatchString(here) {
			t.Errorf("row %s has neither a test nor a reason: %q", id, here)
		}
	}
	want := rows()
	if slices.Sort(seen); !slices.Equal(seen, slices.Sorted(slices.Values(want))) {
		t.Errorf("the rows are %v\nand should be %v", seen, want)
	}
	written := map[string]bool{}
	for _, m := range named.FindAllStringSubmatch(string(text), -1) {
		name := m[1] + m[2]
		if written[name] = true; !functions[name] {
			t.Errorf("there is no %s", name)
		}
	}
	lines := strings.Split(string(text), "\n")
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		if m := ofACVE.FindStringSubmatch(path.Base(name)); m != nil && !slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, "CVE-"+m[1]+"-"+m[2]) && strings.Contains(line, "`"+name+"`")
		}) {
			t.Errorf("%s is not in the row of its CVE", name)
		}
		if ofARow.MatchString(path.Base(name)) && !written[name] {
			t.Errorf("%s is named after a row or a CVE, and is in none", name)
		}
	}
}

// testFunctions returns all tests, fuzz targets and benchmarks of the repository, by folder and name.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && file != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range parsed.Decls {
			if f, is := d.(*ast.FuncDecl); is && f.Recv == nil && isTest.MatchString(f.Name.Name) {
				all[path.Join(filepath.ToSlash(filepath.Dir(file)), f.Name.Name)] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
