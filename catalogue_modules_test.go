package apikey_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// H11, GO-2025-3451: a module whose name looks like that of bbolt came with a back door. What this one requires is in this list.
func TestH11_RequiredModules(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"github.com/anishathalye/porcupine", "github.com/go-jose/go-jose/v4", "github.com/jackc/pgx/v5", "go.etcd.io/bbolt",
		"go.uber.org/goleak", "golang.org/x/crypto", "pgregory.net/rapid",
		// which those require
		"github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "github.com/jackc/puddle/v2",
		"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/text",
	}
	out, err := run(t, ".", "mod", "edit", "-json")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var file struct {
		Require []struct{ Path string }
		Replace []json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Require {
		if !slices.Contains(allowed, r.Path) {
			t.Errorf("%s is required: is it the one that is meant? Then it goes into the list", r.Path)
		}
	}
	if len(file.Replace) > 0 || len(file.Require) < 7 {
		t.Errorf("%d requirements, %s", len(file.Require), file.Replace)
	}
	sum, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, likeness := range []string{"boltdb-go/", "github.com/boltdb/bolt", "dgrijalva/jwt-go"} {
		if strings.Contains(string(sum), likeness) {
			t.Errorf("%s is in go.sum", likeness)
		}
	}
}
