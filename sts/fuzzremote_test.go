package sts_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Whoever is named in a list that is taken, by encoding/json's reading, is dead by it, and nobody else is. An id in it has
// one spelling.
func FuzzParseList(f *testing.F) {
	const id = "0190e0448800719a8bcdef0123456789"
	list := func(revoked, cut string) string {
		return `{"iss":"https://sts.example","iat":1780000000,"exp":1780000060,"as_of":1780000000000,"by":"x","revoked":` + revoked + `,"cut":` + cut + `}`
	}
	for _, seed := range []string{
		list("[]", "{}"), list(`["`+id+`"]`, "{}"), list("[]", `{"`+id+`":{"number":2,"epoch":1}}`), list(`["`+strings.ToUpper(id)+`"]`, "{}"), list(`["ak_`+id+`"]`, "{}"),
		list("null", "{}"), list("[]", "null"), list("[null]", "{}"), list("[]", `{"`+id+`":null}`), list("[]", `{"`+id+`":{"number":2},"`+id+`":{"number":1}}`),
		list("[]", `{"`+id+`":{"number":65536}}`), list("[]", `{"`+id+`":{"number":2,"until":1}}`), list("[]", `{"`+id+`":{"NUMBER":2}}`), list("{}", "[]"),
		list("[]", "{}")[:40], strings.Replace(list("[]", "{}"), `"by":"x"`, `"by":1`, 1), strings.Replace(list("[]", "{}"), `"iat"`, `"IAT"`, 1), "{}", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		judge, ok := sts.ParseList(data, "https://sts.example")
		if !ok {
			return
		}
		var want struct {
			Revoked []string
			Cut     map[string]struct {
				Number uint16
				Epoch  uint32
			}
		}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("%q was taken: %v", data, err)
		}
		dead := make(map[string]bool)
		for _, text := range want.Revoked {
			prefix, id, err := apikey.ParseKeyID("x_" + text)
			if err != nil || prefix != "x" {
				t.Fatalf("%q was taken: %q is no id", data, text)
			}
			if dead[text] = true; !errors.Is(judge(id, 1<<16-1, 1<<32-1), apikey.ErrRevoked) {
				t.Errorf("%q: %s lives", data, text)
			}
		}
		for text, left := range want.Cut {
			prefix, id, err := apikey.ParseKeyID("x_" + text)
			if err != nil || prefix != "x" {
				t.Fatalf("%q was taken: %q is no id", data, text)
			}
			if err := judge(id, left.Number, left.Epoch); (err != nil) != dead[text] {
				t.Errorf("%q: what is left of %s: %v", data, text, err)
			}
			if left.Number > 0 && judge(id, left.Number-1, left.Epoch) == nil || left.Epoch > 0 && judge(id, left.Number, left.Epoch-1) == nil {
				t.Errorf("%q: what is cut of %s lives", data, text)
			}
		}
		if err := judge(apikey.ID{1}, 1, 0); err != nil && !dead[apikey.ID{1}.String()] && len(want.Cut) == 0 {
			t.Errorf("%q: one that is not named: %v", data, err)
		}
	})
}

// Keys that are taken are public ones of the algorithm, each with a kid.
func FuzzParseJWKS(f *testing.F) {
	s := newScene(f, sts.EdDSA)
	published := s.get("/.well-known/jwks.json").Body.String()
	const ed = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	for _, seed := range []string{
		published, `{"keys":[` + ed + `,"kid":"1"}]}`, `{"keys":[` + ed + `,"kid":"1"},` + ed + `,"kid":"1"}]}`, `{"keys":[` + ed + `}]}`,
		`{"keys":[` + ed + `,"kid":"1","use":"enc"}]}`, `{"keys":[` + ed + `,"kid":"1","alg":"ES256"}]}`,
		`{"keys":[` + ed + `,"kid":"1","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]}`,
		`{"keys":[{"kty":"oct","kid":"1","k":"AAAA"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"AA","y":"AA"}]}`,
		`{"keys":[{"kty":"EC","crv":"P-384","kid":"1","x":"AA","y":"AA"}]}`, `{"keys":null}`, `{"keys":[null]}`, `{"keys":{}}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	if keys, err := sts.ParseJWKS([]byte(published), sts.EdDSA); err != nil || len(keys) == 0 {
		f.Fatalf("%s: %v", published, err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, algorithm := range []sts.Algorithm{sts.EdDSA, sts.ES256} {
			keys, err := sts.ParseJWKS(data, algorithm)
			if (err == nil) != (len(keys) > 0) {
				t.Errorf("%q: %d keys, %v", data, len(keys), err)
			}
			for kid, key := range keys {
				ok := false
				switch key := key.(type) {
				case ed25519.PublicKey:
					ok = algorithm == sts.EdDSA && len(key) == ed25519.PublicKeySize
				case *ecdsa.PublicKey:
					_, err := key.ECDH() // on its curve
					ok = algorithm == sts.ES256 && key.Params().BitSize == 256 && err == nil
				}
				if !ok || kid == "" {
					t.Errorf("%q: %s key %q: %T", data, algorithm, kid, key)
				}
			}
		}
	})
}
