// Package examples_test runs the examples as their readers would.
package examples_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The quickstart prints one JSON object: the key, with all of its 17 fields.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "run", "./quickstart").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	printed := string(out)
	from, to := strings.Index(printed, "{"), strings.LastIndex(printed, "}")
	if from < 0 || to < from {
		t.Fatalf("no object in\n%s", printed)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(printed[from:to+1]), &object); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"object": `"api_key"`, "id": `"ak_[0-9a-f]{32}"`, "type": `"api_key"`, "subject": `"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"`,
		"name": `"MY_SERVICE_API_KEY"`, "description": `"This is my API Key"`, "claims": `\{\s*"foo": "bar"\s*\}`,
		"scopes": `\[\s*"read",\s*"write"\s*\]`, "secret": `"ak_[0-9A-Za-z]{72}"`, "revoked": `false`, "revocation_reason": `null`,
		"expired": `false`, "expiration": `[0-9]{13}`, "created_by": `"user_2xhFjEI5X2qWRvtV13BzSj8H6Dk"`, "last_used_at": `null`,
		"created_at": `[0-9]{13}`, "updated_at": `[0-9]{13}`,
	} {
		if !regexp.MustCompile(`^` + want + `$`).Match(object[field]) {
			t.Errorf("%s is %s, want %s", field, object[field], want)
		}
		delete(object, field)
	}
	if len(object) > 0 {
		t.Errorf("fields that are too many: %v", object)
	}
	if n := strings.Count(printed, "apikey: revoked key: ak_"); n != 4 {
		t.Errorf("%d refusals, want 4:\n%s", n, printed)
	}
	if secret := regexp.MustCompile(`ak_[0-9A-Za-z]{72}`).FindAllString(printed, -1); len(secret) != 1 {
		t.Errorf("%d secrets printed, want 1", len(secret))
	}
}

// The README's example compiles.
func TestREADME(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	code := block(t, "go", 1)
	folder := t.TempDir()
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	const path = "github.com/seed-d3a9fb6b/apikey"
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"go.mod": strings.Replace(string(mod), "module "+path, "module readme", 1) + "\nrequire " + path + " v0.0.0\nreplace " + path + " => " + root + "\n",
		"go.sum": string(sum),
		"main.go": `package main

import (
	"context"
	"errors"
	"fmt"

	"` + path + `"
	"` + path + `/store/boltstore"
)

func main() { fmt.Println(example(context.Background())) }

` + code,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	run.Dir = folder
	out, err := run.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "user_1 true\n<nil>\n") {
		t.Errorf("%v\n%s", err, out)
	}
}
