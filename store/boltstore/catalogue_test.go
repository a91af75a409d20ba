package boltstore_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// Tests named after a CVE, or after the row of docs/security-cases.md, put the bug of that row to this package.

// CVE-2026-53602, CVE-2026-61699: who was revoked was back after a restart, or nobody ever asked. Revoked, deleted, rotated and
// cut keys are that after the file was closed and opened by another process's worth of everything.
func TestCVE_2026_53602_RevocationsOutliveARestart(t *testing.T) {
	t.Parallel()
	store, path := openNew(t)
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	ctx := t.Context()
	dead := map[string]error{}
	var kept string
	for what, kill := range map[string]func(id string) error{
		"revoked": func(id string) error { _, err := keys.Issuer.Revoke(ctx, id, apikey.RevokeParams{}); return err },
		"deleted": func(id string) error { return keys.Issuer.Delete(ctx, id) },
		"rotated": func(id string) error { _, _, err := keys.Issuer.Rotate(ctx, id, apikey.RotateParams{}); return err },
		"kept": func(id string) error {
			_, err := keys.Issuer.Update(ctx, id, apikey.UpdateParams{Scopes: []string{}})
			return err
		},
	} {
		key, text := keys.Create(t, apikey.CreateParams{Name: what, Scopes: []string{"read"}})
		if _, err := keys.Verifier.Verify(ctx, text); err != nil { // warm, and its use is noted
			t.Fatal(err)
		}
		if err := kill(key.ID()); err != nil {
			t.Fatal(err)
		}
		switch what {
		case "revoked":
			dead[text] = apikey.ErrRevoked
		case "kept":
			kept = text
		default:
			dead[text] = apikey.ErrUnknown
		}
	}
	if err := errors.Join(keys.Verifier.Close(), store.Close()); err != nil { // the uses are written last
		t.Fatal(err)
	}
	again := apikeytest.New(t, &apikeytest.Options{Store: open(t, path, nil)}).Verifier
	for text, want := range dead {
		for range 2 {
			if _, err := again.Verify(ctx, text); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
	}
	if k, err := again.Verify(ctx, kept); err != nil || k.HasScope("read") {
		t.Errorf("the one that was cut: %v, %v", k, err)
	}
}

// H5: a write inside of a read transaction waits for itself. Nobody's code runs inside of one: who walks over keys, or is told
// of a change, may write meanwhile.
func TestH5_WritesWhileWalking(t *testing.T) {
	t.Parallel()
	store, _ := openNew(t)
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	for n := range 30 {
		keys.Create(t, apikey.CreateParams{Name: fmt.Sprint(n)})
	}
	walked := 0
	for key, err := range keys.Issuer.Keys(t.Context(), apikey.Query{Limit: 7}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new(fmt.Sprint(walked))}); err != nil {
			t.Fatal(err)
		}
		// Much at once, so that the file and its map grow, for which a writer waits for all readers.
		create(t, store, 1000*walked, 1000*walked+100)
		if walked++; walked == 10 {
			break
		}
	}
	if n, err := store.Count(t.Context(), apikey.Filter{}); walked != 10 || n != 1030 || err != nil {
		t.Errorf("%d keys were walked over, %d are there, %v", walked, n, err)
	}
}

// H6: deleting the record that an iterator stands on skips the next one.
func TestH6_DeletesWhileWalking(t *testing.T) {
	t.Parallel()
	store, _ := openNew(t)
	const many = 1200 // over many pages of the file
	create(t, store, 0, many)
	issuer := apikeytest.New(t, &apikeytest.Options{Store: store}).Issuer
	deleted := 0
	for key, err := range issuer.Keys(t.Context(), apikey.Query{IncludeInvalid: true, Limit: 100}) {
		if err == nil {
			err = issuer.Delete(t.Context(), key.ID())
		}
		if err != nil {
			t.Fatal(err)
		}
		deleted++
	}
	for _, f := range []apikey.Filter{{}, {Subject: "user_3"}} {
		if n, err := store.Count(t.Context(), f); n != 0 || err != nil {
			t.Errorf("%d records are left, %v", n, err)
		}
	}
	if deleted != many {
		t.Errorf("%d of %d were seen", deleted, many)
	}
}

// H8: a value without bytes is read as one, and absence as absence.
func TestH8_EmptyIsNotAbsent(t *testing.T) {
	t.Parallel()
	store, path := openNew(t)
	if err := store.SwapValue(t.Context(), "v", nil, []byte{}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	store = open(t, path, nil)
	if v, err := store.Value(t.Context(), "v"); v == nil || len(v) != 0 || err != nil {
		t.Errorf("an empty value is %v, %v", v, err)
	}
	if v, err := store.Value(t.Context(), "w"); v != nil || err != nil {
		t.Errorf("no value is %v, %v", v, err)
	}
	if err := store.SwapValue(t.Context(), "v", nil, []byte("x")); !errors.Is(err, apikey.ErrConflict) {
		t.Errorf("as if there were none: %v", err)
	}
	if err := store.SwapValue(t.Context(), "w", []byte{}, []byte("x")); !errors.Is(err, apikey.ErrConflict) {
		t.Errorf("as if there were an empty one: %v", err)
	}
	if err := store.SwapValue(t.Context(), "v", []byte{}, nil); err != nil {
		t.Errorf("delete the empty one: %v", err)
	}
}

// H10: bbolt without its syncs loses what was acknowledged. No option says so, and no line of this package does.
func TestH10_SyncsCantBeTurnedOff(t *testing.T) {
	t.Parallel()
	options := reflect.TypeFor[boltstore.Options]()
	for i := range options.NumField() {
		if name := options.Field(i).Name; name != "Timeout" && name != "ReadOnly" {
			t.Errorf("there is an option %s: does it keep what was acknowledged on disk?", name)
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read, opens := 0, 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		read++
		ast.Inspect(file, func(n ast.Node) bool {
			if id, is := n.(*ast.Ident); is {
				switch id.Name {
				case "NoSync", "NoGrowSync", "NoFreelistSync", "MmapFlags":
					t.Errorf("%s: %s", path, id.Name)
				case "FreelistType":
					opens++
				}
			}
			return true
		})
	}
	if read < 15 || opens == 0 {
		t.Errorf("control: %d files, bbolt's options in %d places", read, opens)
	}
}
