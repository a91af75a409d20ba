package apikey_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// CVE-2025-22234: the fix of a length check came before the dummy hash, so that whether an overlong password was refused
// at once told whether the user was there. Here nothing about an id is looked up before the form is judged.
func TestCVE_2025_22234_OverlongTellsNothingOfIDs(t *testing.T) {
	t.Parallel()
	store := count(memstore.New())
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	before, gets := keys.Verifier.Stats(), store.gets.Load()
	for what, id := range map[string]string{"a known id": text[:25], "an unknown one": "ak_" + strings.Repeat("0", 22)} {
		for form, bad := range map[string]string{
			"short": id, "no secret": withChecksum(id), "cut": withChecksum(id + text[25:60]), "a digit more": withChecksum(id + text[25:69] + "0"),
			"100 bytes": withChecksum(id + strings.Repeat("0", 72)), "10 KB": withChecksum(id + strings.Repeat("0", 10<<10)), "a megabyte": id + strings.Repeat("0", 1<<20),
			"no digit": withChecksum(id + "!" + text[26:69]), "no checksum": id + text[25:69] + "000000",
		} {
			if _, err := keys.Verifier.Verify(t.Context(), bad); err != apikey.ErrMalformed { // bare: it does not even hold the id
				t.Errorf("%s, %s: %v", what, form, err)
			}
		}
	}
	if after := keys.Verifier.Stats(); after.StoreReads != before.StoreReads || after.Argon2Runs != before.Argon2Runs || store.gets.Load() != gets {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

// CVE-2026-41263 is the second of its kind: the fix of the first, CVE-2026-32595, was of one branch. So here is each way of
// failing: what is forged is the same error and costs nothing, whether its id is known, warm, dead or nobody's;
// and what was issued here but died costs one read at most and no argon2.
func TestCVE_2026_41263_EveryFailingBranch(t *testing.T) {
	t.Parallel()
	store := count(memstore.New())
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	texts := map[string]string{}
	for _, what := range []string{"warm", "cold", "revoked", "rotated", "deleted"} {
		key, text := keys.Create(t, apikey.CreateParams{})
		texts[what] = text
		var err error
		switch what {
		case "warm":
			_, err = keys.Verifier.Verify(t.Context(), text)
		case "revoked":
			_, err = keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
		case "rotated":
			_, _, err = keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
		case "deleted":
			err = keys.Issuer.Delete(t.Context(), key.ID())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	costs := func(text string) (reads int64, argon2 uint64, err error) {
		before, gets := keys.Verifier.Stats(), store.gets.Load()
		_, err = keys.Verifier.Verify(t.Context(), text)
		return store.gets.Load() - gets, keys.Verifier.Stats().Argon2Runs - before.Argon2Runs, err
	}
	texts["nobody's"] = withChecksum("ak_" + strings.Repeat("0", 22) + texts["cold"][25:69])
	for what, text := range texts {
		for how, forged := range map[string]string{
			"another secret":      withChecksum(text[:25] + strings.Repeat("0", 33) + text[58:69]),
			"the tag's first bit": withChecksum(text[:60] + flip(text[60]) + text[61:69]),
			"the tag's last":      withChecksum(text[:68] + flip(text[68])),
			"number 0":            withChecksum(text[:58] + strings.Repeat("0", 11)),
			"another prefix":      withChecksum("bk" + text[2:69]),
		} {
			if reads, argon2, err := costs(forged); reads != 0 || argon2 != 0 || err != apikey.ErrUnknown {
				t.Errorf("%s, %s: %d reads, %d argon2, %v", what, how, reads, argon2, err)
			}
		}
	}
	for what, want := range map[string]error{"revoked": apikey.ErrRevoked, "rotated": apikey.ErrUnknown, "deleted": apikey.ErrUnknown} {
		if reads, argon2, err := costs(texts[what]); reads > 1 || argon2 != 0 || !errors.Is(err, want) {
			t.Errorf("%s: %d reads, %d argon2, %v", what, reads, argon2, err)
		}
	}
	for _, what := range []string{"warm", "cold"} {
		if _, _, err := costs(texts[what]); err != nil {
			t.Errorf("control, %s: %v", what, err)
		}
	}
}

// CVE-2020-36569: an empty token in the configuration let everybody in. Here what is empty is refused where it is set, and
// no credential is empty.
func TestCVE_2020_36569_NothingIsNoCredential(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	for what, make := range map[string]func() error{
		"a Verifier of no store": func() error { _, err := apikey.NewVerifier(nil, nil); return err },
		"an Issuer of no store":  func() error { _, err := apikey.NewIssuer(nil, nil); return err },
		"no key in a keyring":    func() error { _, err := apikey.NewKeyring(nil); return err },
		"an empty one":           func() error { _, err := apikey.NewKeyring([]byte{}); return err },
		"an empty retired one":   func() error { _, err := apikey.NewKeyring(ascending(1, 32), nil); return err },
		"a keyring of nothing":   func() error { _, err := apikey.ParseKeyring(""); return err },
		"of a comma":             func() error { _, err := apikey.ParseKeyring(","); return err },
		"a keyring that was made": func() error {
			_, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Keyring: new(apikey.Keyring)})
			return err
		},
		"no prefix": func() error {
			_, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Prefixes: []string{}})
			return err
		},
		"an empty prefix": func() error {
			_, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Prefixes: []string{""}})
			return err
		},
		"MACs without a keyring": func() error {
			_, err := apikey.NewVerifier(store, &apikey.VerifierOptions{RequireMAC: true})
			return err
		},
	} {
		var invalid *apikey.ValidationError
		if err := make(); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A record whose hash is empty, or that holds no credential at all, is nobody's.
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text := keys.Create(t, apikey.CreateParams{})
	seed, err := store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []struct {
		what  string
		empty func(*apikey.Record)
	}{ // one upon the other
		{"no hash", func(r *apikey.Record) { r.Credentials[0].Hash, r.Credentials[0].MAC = "", []byte{} }},
		{"no credentials", func(r *apikey.Record) { r.Credentials = nil }},
	} {
		edit(t, store, key, broken.empty)
		for name, presented := range map[string]string{"nothing": "", "its text": text, "a secret of zeros": apikey.Forge(seed, text, [24]byte{})} {
			if k, err := keys.Verifier.Verify(t.Context(), presented); k != nil || err == nil {
				t.Errorf("%s, %s: accepted", broken.what, name)
			}
		}
	}
}

// CVE-2015-10004, CVE-2021-4294, CVE-2022-24912, CVE-2023-1538 and others: a secret was compared by what stops at the first
// difference. What may be is in this list, and none of it is a secret.
func TestCVE_2015_10004_NoEarlyExitCompares(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"change.go bytes.Equal",          // claims, which are public, to see whether an Update changes them
		"httpapi/caller.go slices.Equal", // scopes, which are public
		"record.go bytes.Compare",        // ids, which are public
		"sts/memory.go bytes.Equal",      // what is stored under a name, against what was read there before
	}
	var found []string
	constant := 0
	for _, pattern := range []string{"*.go", "hash/*.go", "httpauth/*.go", "httpapi/*.go", "sts/*.go", "leak/*.go", "internal/bearer/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				s, is := n.(*ast.SelectorExpr)
				if !is {
					return true
				}
				of, is := s.X.(*ast.Ident)
				if !is {
					return true
				}
				switch name := of.Name + "." + s.Sel.Name; name {
				case "bytes.Equal", "bytes.Compare", "reflect.DeepEqual", "slices.Equal", "slices.Compare", "strings.Compare", "bytes.HasPrefix":
					found = append(found, filepath.ToSlash(path)+" "+name)
				case "subtle.ConstantTimeCompare", "hmac.Equal":
					constant++
				}
				return true
			})
		}
	}
	slices.Sort(found)
	for _, f := range slices.Compact(found) {
		if !slices.Contains(allowed, f) {
			t.Errorf("%s: is it a secret that is compared? Then by crypto/subtle; else it goes into the list", f)
		}
	}
	if constant < 3 {
		t.Errorf("control: %d comparisons in constant time; there were three", constant)
	}
}
