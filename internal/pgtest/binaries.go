package pgtest

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// binaries returns the folder of PostgreSQL's programs. The test is skipped if there is none.
func binaries(t testing.TB) string {
	t.Helper()
	var folders []string
	if out, err := exec.CommandContext(t.Context(), "pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(debian, func(a, b string) int { return version(b) - version(a) })
	folders = append(folders, debian...)
	if path, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(path))
	}
	for _, folder := range folders {
		if complete(folder) {
			return folder
		}
	}
	missing(t, "no PostgreSQL server: apt-get install postgresql")
	return ""
}

// complete reports whether a folder has all that is run. A package for clients has its own pg_config.
func complete(folder string) bool {
	return !slices.ContainsFunc([]string{"initdb", "postgres", "pg_basebackup"}, func(name string) bool {
		_, err := exec.LookPath(filepath.Join(folder, name))
		return err != nil
	})
}

// version returns that of Debian's folder; 0 if it is not a number.
func version(folder string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(folder)))
	if err != nil {
		return 0
	}
	return n
}
