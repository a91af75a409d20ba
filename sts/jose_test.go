package sts_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// The ids are those of the catalogue of known bugs: D1 is CVE-2015-9235 and its like, and so on.

func TestD1AlgNone(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, alg := range []string{`"none"`, `"None"`, `"nOnE"`, `"NONE"`, `""`, `null`, `["none"]`, `{}`, `0`, ""} {
			header := s.header("alg", alg)
			signed := b64(header) + "." + b64(s.claims())
			s.refused(t, alg+" without a signature", signed+".", apikey.ErrMalformed)
			s.refused(t, alg+" with something for a signature", signed+".AAAA", apikey.ErrUnknown)
			s.refused(t, alg+" with a good signature", s.token(t, header, s.claims()), apikey.ErrUnknown)
		}
	})
}

// A MAC whose key is what everybody knows of the signing key.
func TestD1AlgConfusionHMAC(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		der, err := x509.MarshalPKIXPublicKey(s.private.Public())
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := json.Marshal(s.jwk())
		if err != nil {
			t.Fatal(err)
		}
		public := der[len(der)-32:]
		if key, is := s.private.Public().(*ecdsa.PublicKey); is {
			if public, err = key.Bytes(); err != nil {
				t.Fatal(err)
			}
		}
		block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		for name, key := range map[string][]byte{
			"bytes": public, "DER": der, "PEM": block, "PEM without a line break at its end": bytes.TrimSpace(block), "JWK": jwk,
			"JWKS": s.get("/.well-known/jwks.json").Body.Bytes(), "kid": []byte(s.kid), "nothing": nil,
		} {
			for alg, of := range map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New, string(s.alg()): sha512.New} {
				signed := b64(s.header("alg", quote(alg))) + "." + b64(s.claims())
				mac := hmac.New(of, key)
				io.WriteString(mac, signed)
				s.refused(t, alg+" under the "+name, signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), apikey.ErrUnknown)
			}
		}
	})
}

// What is signed with our key, under the name of another algorithm, and the other way round.
func TestD1AlgConfusionAsymmetric(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		other := sts.ES256
		if s.alg() == other {
			other = sts.EdDSA
		}
		for _, alg := range []string{string(other), "Ed25519", "ES384", "ES512", "ES256K", "RS256", "PS256", "eddsa", "es256", "EDDSA",
			string(s.alg()) + " ", string(s.alg()) + "\x00", "EdDSA,ES256", "ML-DSA-44"} {
			s.refused(t, alg+" in the header", s.token(t, s.header("alg", quote(alg)), s.claims()), apikey.ErrUnknown)
		}
		foe := stranger(t, other, s.kid)
		s.refused(t, "another's key of the other algorithm, our kid", foe.token(t, foe.header(), s.claims()), apikey.ErrUnknown)
		s.refused(t, "the same, under our algorithm", foe.token(t, foe.header("alg", quote(string(s.alg()))), s.claims()), apikey.ErrUnknown)
	})
}

// The other service on the same store and keyring, and its keys in the same set: a Verifier has one algorithm.
func TestD1OneAlgorithmAVerifier(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		other := sts.ES256
		if s.alg() == other {
			other = sts.EdDSA
		}
		second, err := sts.NewService(s.Store, s.Verifier, issuer, &sts.ServiceOptions{Algorithm: other, Keyring: keyring(t, 1), Audiences: []string{audience}})
		if err != nil {
			t.Fatal(err)
		}
		handler, err := sts.Handler(second, nil)
		if err != nil {
			t.Fatal(err)
		}
		token, err := second.Exchange(t.Context(), s.text, sts.ExchangeParams{})
		if err != nil {
			t.Fatal(err)
		}
		var sets [2]struct{ Keys []json.RawMessage }
		for i, h := range []http.Handler{s.handler, handler} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
			if err := json.Unmarshal(w.Body.Bytes(), &sets[i]); err != nil || len(sets[i].Keys) != 1 {
				t.Fatal(err, w.Body)
			}
		}
		both, err := json.Marshal(map[string]any{"keys": append(sets[1].Keys, sets[0].Keys...)})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(both) }))
		defer server.Close()
		urls := s.urls
		urls.JWKSURL = server.URL
		v := newRemote(t, urls)
		if _, err := v.Verify(t.Context(), s.forge(t)); err != nil {
			t.Error("control: a token of the algorithm is refused:", err)
		}
		refusedBy(t, "a token of the other algorithm, its key in the set", v, token.Reveal(), apikey.ErrUnknown)
		s.refused(t, "a token of the other algorithm", token.Reveal(), apikey.ErrUnknown)
	})
}

// A key, or where to get one, that the token brings along.
func TestD2KeysOfTheToken(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		var foe *forger
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("somebody asked a URL of the token: %s", r.URL)
			json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{foe.jwk()}})
		}))
		defer server.Close()
		for _, kid := range []string{s.kid, "attacker"} {
			foe = stranger(t, s.alg(), kid)
			jwk, err := json.Marshal(foe.jwk())
			if err != nil {
				t.Fatal(err)
			}
			private, err := json.Marshal(jose.JSONWebKey{Key: foe.private, KeyID: kid})
			if err != nil {
				t.Fatal(err)
			}
			der, err := x509.MarshalPKIXPublicKey(foe.private.Public())
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(der)
			print := quote(base64.RawURLEncoding.EncodeToString(sum[:]))
			chain := `["` + base64.StdEncoding.EncodeToString(der) + `"]`
			for name, value := range map[string]string{
				"jwk": string(jwk), "jku": quote(server.URL + "/jwks.json"), "x5u": quote(server.URL + "/x5u"), "x5c": chain, "x5t": print, "x5t#S256": print,
				"": "", "iss": quote(server.URL),
			} {
				s.refused(t, "signed by a stranger, kid "+kid+", "+name, foe.token(t, foe.header(name, value), s.claims()), apikey.ErrUnknown)
			}
			s.refused(t, "a private jwk", foe.token(t, foe.header("jwk", string(private)), s.claims()), apikey.ErrUnknown)
			s.refused(t, "all at once", foe.token(t, foe.header("jwk", string(jwk), "jku", quote(server.URL), "x5u", quote(server.URL), "x5c", chain), s.claims()), apikey.ErrUnknown)
			// Ours stay ours, and nobody is asked.
			for name, value := range map[string]string{"jwk": string(jwk), "jku": quote(server.URL), "x5u": quote(server.URL), "x5t": print} {
				s.accepted(t, "signed by us, with a "+name, s.token(t, s.header(name, value), s.claims()))
			}
		}
	})
}

func TestD2Kid(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, kid := range []string{`""`, "", "null", "0", "[]", `["` + s.kid + `"]`, `"unknown"`, `"../../etc/passwd"`, `"../` + s.kid + `"`, quote(s.kid + " "), quote(s.kid + "\x00"),
			quote(s.kid[:42]), quote(strings.ToUpper(s.kid)), quote("' OR 1=1 --"), quote(strings.Repeat("k", 2000))} {
			s.refused(t, "kid "+kid, s.token(t, s.header("kid", kid), s.claims()), apikey.ErrUnknown)
		}
		s.refused(t, "a kid of 10 KB", s.token(t, s.header("kid", quote(strings.Repeat("k", 10_000))), s.claims()), apikey.ErrMalformed)
		s.refused(t, "the key by another name than kid", s.token(t, s.header("kid", "", "KID", quote(s.kid)), s.claims()), apikey.ErrUnknown)
	})
}

// CVE-2022-21449: of ECDSA, r and s are from 1 to n-1. And what else is no signature.
func TestD3Signatures(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		good := s.forge(t)
		signed, sig := good[:strings.LastIndex(good, ".")], decodePart(t, good, 2)
		with := func(what string, sig []byte, want error) {
			t.Helper()
			s.refused(t, what, signed+"."+base64.RawURLEncoding.EncodeToString(sig), want)
		}
		zero, n := make([]byte, 64), elliptic.P256().Params().N.Bytes()
		r, scalar := sig[:32], sig[32:]
		one := append(make([]byte, 31), 1)
		with("r = s = 0", zero, apikey.ErrUnknown)
		with("r = 0", slices.Concat(zero[:32], scalar), apikey.ErrUnknown)
		with("s = 0", slices.Concat(r, zero[:32]), apikey.ErrUnknown)
		with("r = s = n", slices.Concat(n, n), apikey.ErrUnknown)
		with("r = s = 1", slices.Concat(one, one), apikey.ErrUnknown)
		with("swapped", slices.Concat(scalar, r), apikey.ErrUnknown)
		with("all ones", bytes.Repeat([]byte{0xff}, 64), apikey.ErrUnknown)
		with("none", nil, apikey.ErrMalformed)
		with("one byte", sig[:1], apikey.ErrUnknown)
		with("a byte less", sig[:63], apikey.ErrUnknown)
		with("a byte more", append(slices.Clone(sig), 0), apikey.ErrUnknown)
		with("a byte more in front", append([]byte{0}, sig...), apikey.ErrUnknown)
		with("twice", slices.Concat(sig, sig), apikey.ErrUnknown)
		for i := range 64 {
			flipped := slices.Clone(sig)
			flipped[i] ^= 1 << (i % 8)
			with(fmt.Sprint("a bit of byte ", i), flipped, apikey.ErrUnknown)
		}
		for i, c := range signed { // every character of what is signed is
			other := byte('A')
			if c == 'A' {
				other = 'B'
			}
			if c == '.' {
				continue
			}
			changed := []byte(good)
			changed[i] = other
			for _, d := range s.doors() {
				if _, err := d.Verify(t.Context(), string(changed)); !errors.Is(err, apikey.ErrRejected) {
					t.Errorf("character %d of the token changed: %v", i, err)
				}
			}
		}
		if s.alg() == sts.EdDSA {
			// s+L is the same scalar: RFC 8032, section 5.1.7 refuses it.
			order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
			reversed := slices.Clone(scalar)
			slices.Reverse(reversed)
			sum := new(big.Int).Add(new(big.Int).SetBytes(reversed), order).FillBytes(make([]byte, 32))
			slices.Reverse(sum)
			with("s + L", slices.Concat(r, sum), apikey.ErrUnknown)
			return
		}
		digest := sha256.Sum256([]byte(signed))
		der, err := s.private.(*ecdsa.PrivateKey).Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		with("DER", der, apikey.ErrUnknown)
	})
}

// An ES256 signature has two spellings. Both are good, so nothing may go by a token's text: both die with the key.
func TestD3BothSpellingsDieWithTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bubbleScene(t, sts.ServiceOptions{Algorithm: sts.ES256}, 0)
		first := s.exchange(t, s.text, sts.ExchangeParams{})
		sig := decodePart(t, first, 2)
		new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:])).FillBytes(sig[32:])
		second := first[:strings.LastIndex(first, ".")+1] + base64.RawURLEncoding.EncodeToString(sig)
		if first == second {
			t.Fatal("control: one spelling")
		}
		for _, token := range []string{first, second} {
			s.accepted(t, "before", token)
		}
		if _, err := s.Issuer.Revoke(t.Context(), s.key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{first, second} {
			refusedBy(t, "at once, here", s.local, token, apikey.ErrRevoked)
		}
		time.Sleep(5 * time.Second)
		for _, token := range []string{first, second} {
			s.refused(t, "5 seconds later", token, apikey.ErrRevoked)
		}
	})
}

// CVE-2025-30204, CVE-2025-27144: what has many dots, or is long, is refused before anything is made of it.
func TestD6DotsAndLength(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		good := s.forge(t)
		parts := strings.Split(good, ".")
		for what, token := range map[string]string{
			"nothing": "", "no dot": strings.Join(parts, ""), "one": parts[0] + "." + parts[1], "one, behind": parts[0] + "." + parts[1] + parts[2], "three": good + ".AAAA", "three, at the end": good + ".",
			"three, in front": "." + good, "four": good + ".AAAA.AAAA", "10,000": strings.Repeat(".", 10_000), "10,000 between": strings.Repeat("a.", 10_000) + "a",
			"two in a row": parts[0] + ".." + parts[2], "no header": "." + parts[1] + "." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "dots alone": "..", "three alone": "...",
		} {
			s.refused(t, what, token, apikey.ErrMalformed)
		}
		// All that is in a token of each length is good; at 4097 it is the length alone.
		for _, length := range []int{4095, 4096, 4097, 4098, 8192} {
			token := s.ofLength(t, length)
			if length <= 4096 {
				s.accepted(t, fmt.Sprint(length, " bytes"), token)
			} else {
				s.refused(t, fmt.Sprint(length, " bytes"), token, apikey.ErrMalformed)
			}
		}
	})
}

// ofLength returns a good token of that many bytes.
func (s *scene) ofLength(t testing.TB, length int) string {
	t.Helper()
	for inHeader := range 4 {
		header := s.header("pad", quote(strings.Repeat("x", inHeader)))
		spare := length - len(s.token(t, header, s.claims("pad", `""`)))
		for n := max(0, spare*3/4-4); n < spare; n++ {
			if token := s.token(t, header, s.claims("pad", quote(strings.Repeat("x", n)))); len(token) == length {
				return token
			}
		}
	}
	t.Fatalf("no token has %d bytes", length)
	return ""
}

// Not parallel: it counts allocations. Those of a fetch in the background are not meant, so the fewest of several runs count.
func TestD6RefusedBeforeAllocation(t *testing.T) {
	s := newScene(t, sts.EdDSA)
	s.accepted(t, "control", s.forge(t))
	for what, text := range map[string]string{
		"long": strings.Repeat("A", 10<<20), "dots": strings.Repeat(".", 4096), "a.": strings.Repeat("A.", 2048), "a key": s.text, "long with two dots": "A.A." + strings.Repeat("A", 1<<20),
	} {
		for _, d := range s.doors() {
			fewest := 1e9
			for range 5 {
				fewest = min(fewest, testing.AllocsPerRun(10, func() { d.Verify(context.Background(), text) }))
			}
			if fewest != 0 {
				t.Errorf("%s, %s: %v allocations", what, d.name, fewest)
			}
		}
	}
}

// A JWE, in five parts or as JSON, is nothing that is ever opened. What is compressed is not either.
func TestD7NoJWE(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		recipients := map[string]jose.Recipient{
			"PBES2": {Algorithm: jose.PBES2_HS256_A128KW, Key: "password", KeyID: s.kid, PBES2Count: 1000},
			"dir":   {Algorithm: jose.DIRECT, Key: make([]byte, 16), KeyID: s.kid},
		}
		if key, is := s.private.Public().(*ecdsa.PublicKey); is {
			recipients["ECDH-ES"] = jose.Recipient{Algorithm: jose.ECDH_ES, Key: key, KeyID: s.kid}
		}
		for name, recipient := range recipients {
			for _, zip := range []jose.CompressionAlgorithm{jose.NONE, jose.DEFLATE} {
				e, err := jose.NewEncrypter(jose.A128GCM, recipient, (&jose.EncrypterOptions{Compression: zip}).WithType("at+jwt"))
				if err != nil {
					t.Fatal(err)
				}
				for inside, text := range map[string]string{"claims": s.claims(), "a token": s.forge(t)} {
					jwe, err := e.Encrypt([]byte(text))
					if err != nil {
						t.Fatal(err)
					}
					compact, err := jwe.CompactSerialize()
					if err != nil {
						t.Fatal(err)
					}
					s.refused(t, name+" around "+inside, compact, apikey.ErrMalformed)
					s.refused(t, name+" around "+inside+", JSON", jwe.FullSerialize(), apikey.ErrMalformed)
				}
			}
		}
		s.refused(t, "five parts", s.forge(t)+".AAAA.AAAA", apikey.ErrMalformed)
		s.refused(t, "enc in the header of a JWS", s.token(t, s.header("enc", `"A128GCM"`), s.claims()), apikey.ErrUnknown)
		s.refused(t, "ENC", s.token(t, s.header("ENC", `"A128GCM"`), s.claims()), apikey.ErrUnknown)

		var deflated bytes.Buffer
		w, _ := flate.NewWriter(&deflated, flate.BestCompression)
		io.WriteString(w, s.claims())
		w.Close()
		s.refused(t, "a compressed payload", s.token(t, s.header("zip", `"DEF"`), deflated.String()), apikey.ErrUnknown)
		s.refused(t, "a compressed payload that nothing is said of", s.token(t, s.header(), deflated.String()), apikey.ErrUnknown)
		// zip is a member of a JWE's header and means nothing in ours.
		s.accepted(t, "zip and a payload as it is", s.token(t, s.header("zip", `"DEF"`), s.claims()))
	})
}
