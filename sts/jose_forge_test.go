package sts_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// forger signs whatever it is told to with the signing key of a service, which it takes out of the store: what is
// refused then is refused for what it says, and not for its signature.
type forger struct {
	kid     string
	private crypto.Signer
}

func (f *fixture) forger(t testing.TB, issuer string, alg sts.Algorithm, ring *apikey.Keyring) *forger {
	t.Helper()
	// Signing keys are made on first use.
	decode(t, f.get("/.well-known/jwks.json"), http.StatusOK)
	raw, err := f.Store.Value(t.Context(), "sts/signing-keys/"+string(alg)+"/"+issuer)
	if err != nil {
		t.Fatal(err)
	}
	var stored struct {
		Keys []struct {
			Kid    string
			From   int64
			Sealed []byte
		}
	}
	if err := json.Unmarshal(raw, &stored); err != nil || len(stored.Keys) == 0 {
		t.Fatalf("no signing keys are stored: %v", err)
	}
	key := stored.Keys[0]
	var ad []byte
	for _, part := range []string{issuer, string(alg), key.Kid} {
		ad = binary.BigEndian.AppendUint32(ad, uint32(len(part)))
		ad = append(ad, part...)
	}
	secret, err := ring.Open("sts/signing-key", key.Sealed, binary.BigEndian.AppendUint64(ad, uint64(key.From)))
	if err != nil {
		t.Fatal(err)
	}
	if alg == sts.EdDSA {
		return &forger{key.Kid, ed25519.NewKeyFromSeed(secret)}
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{key.Kid, private}
}

// stranger is a forger with a key of its own, and a kid that it claims.
func stranger(t testing.TB, alg sts.Algorithm, kid string) *forger {
	t.Helper()
	if alg == sts.EdDSA {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &forger{kid, private}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &forger{kid, private}
}

func (f *forger) alg() sts.Algorithm {
	if _, is := f.private.(ed25519.PrivateKey); is {
		return sts.EdDSA
	}
	return sts.ES256
}

// header returns the one that a service writes, changed.
func (f *forger) header(changes ...string) string {
	return members([]string{"alg", quote(string(f.alg())), "kid", quote(f.kid), "typ", `"at+jwt"`}, changes...)
}

// token signs a header and a payload as they are.
func (f *forger) token(t testing.TB, header, payload string) string {
	t.Helper()
	signed := b64(header) + "." + b64(payload)
	return signed + "." + f.signature(t, signed)
}

func (f *forger) signature(t testing.TB, signed string) string {
	t.Helper()
	return base64.RawURLEncoding.EncodeToString(f.raw(t, signed))
}

func (f *forger) raw(t testing.TB, signed string) []byte {
	t.Helper()
	switch private := f.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, []byte(signed))
	case *ecdsa.PrivateKey:
		digest := sha256.Sum256([]byte(signed))
		r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	t.Fatal("no such key")
	return nil
}

func (f *forger) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: f.private.Public(), KeyID: f.kid, Algorithm: string(f.alg()), Use: "sig"}
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// members writes a JSON object of names and values. Changes replace the value of a name, or add one; with "" the
// name is left out.
func members(all []string, changes ...string) string {
	all = append([]string(nil), all...)
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(all); j += 2 {
			if all[j] == changes[i] {
				all[j+1], found = changes[i+1], true
			}
		}
		if !found {
			all = append(all, changes[i], changes[i+1])
		}
	}
	var parts []string
	for j := 0; j < len(all); j += 2 {
		if all[j+1] != "" {
			parts = append(parts, quote(all[j])+":"+all[j+1])
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// scene is a service whose signing key is known, one key, and the two Verifiers that its tokens come to.
type scene struct {
	*fixture
	*forger
	key           *apikey.Key
	text          string
	local, remote *sts.Verifier
	urls          sts.VerifierOptions // of the remote one
}

func newScene(t testing.TB, alg sts.Algorithm) *scene {
	t.Helper()
	ring := keyring(t, 1)
	s := &scene{fixture: newFixture(t, nil, sts.ServiceOptions{Algorithm: alg, Keyring: ring})}
	s.forger = s.fixture.forger(t, issuer, alg, ring)
	s.key, s.text = s.Create(t, apikey.CreateParams{Subject: "user_1", Scopes: []string{"read", "write"}})
	s.local = s.fixture.verifier(t)
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	s.urls = sts.VerifierOptions{Algorithm: alg, JWKSURL: server.URL + "/.well-known/jwks.json",
		RevocationsURL: server.URL + "/oauth/revocations", Logger: quiet}
	s.remote = newRemote(t, s.urls)
	return s
}

func newRemote(t testing.TB, opts sts.VerifierOptions) *sts.Verifier {
	t.Helper()
	v, err := sts.NewVerifier(issuer, audience, &opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// direct is a client that asks a handler without a network: for the bubbles of synctest.
func direct(h http.Handler) *http.Client { return &http.Client{Transport: transport{h}} }

type transport struct{ http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	t.ServeHTTP(w, r)
	return w.Result(), nil
}

// bubbleScene is a scene for synctest.
func bubbleScene(t *testing.T, opts sts.ServiceOptions, leeway time.Duration) *scene {
	t.Helper()
	if opts.Algorithm == "" {
		opts.Algorithm = sts.EdDSA
	}
	opts.Keyring = keyring(t, 1)
	s := &scene{fixture: newFixture(t, nil, opts)}
	s.forger = s.fixture.forger(t, issuer, opts.Algorithm, opts.Keyring)
	s.key, s.text = s.Create(t, apikey.CreateParams{Subject: "user_1", Scopes: []string{"read"}})
	s.local = s.fixture.verifier(t)
	s.remote = newRemote(t, sts.VerifierOptions{Algorithm: opts.Algorithm, Leeway: leeway, Client: direct(s.handler), Logger: quiet})
	return s
}

// claims returns those of a token that is good for a minute, changed.
func (s *scene) claims(changes ...string) string {
	now := time.Now().Unix()
	return members([]string{
		"iss", quote(issuer), "sub", quote(s.key.Subject()), "aud", quote(audience), "client_id", quote(s.key.ID()),
		"iat", fmt.Sprint(now), "exp", fmt.Sprint(now + 60), "jti", `"jti_1"`, "scope", `"read"`,
		"key_number", "1", "key_epoch", "0",
	}, changes...)
}

// forge signs claims, changed.
func (s *scene) forge(t testing.TB, changes ...string) string {
	t.Helper()
	return s.token(t, s.header(), s.claims(changes...))
}

type door struct {
	name string
	*sts.Verifier
}

func (s *scene) doors() []door { return []door{{"here", s.local}, {"elsewhere", s.remote}} }

// accepted fails the test unless both Verifiers, and introspection, take a token.
func (s *scene) accepted(t testing.TB, what, token string) {
	t.Helper()
	for _, d := range s.doors() {
		if key, err := d.Verify(t.Context(), token); err != nil || key.ID() != s.key.ID() {
			t.Errorf("%s: refused %s: %v", what, d.name, err)
		}
	}
	if said := s.introspect(t, token); said["active"] != true || said["client_id"] != s.key.ID() {
		t.Errorf("%s: introspection says %v", what, said)
	}
}

// refused fails the test unless both Verifiers refuse a token for that reason, and introspection says nothing of it.
func (s *scene) refused(t testing.TB, what, token string, want error) {
	t.Helper()
	for _, d := range s.doors() {
		refusedBy(t, what+", "+d.name, d.Verifier, token, want)
	}
	if len(token) < 20_000 && token != "" { // else there is no such request
		if said := s.introspect(t, token); len(said) != 1 || said["active"] != false {
			t.Errorf("%s: introspection says %v", what, said)
		}
	}
}

var rejections = []error{apikey.ErrMalformed, apikey.ErrUnknown, apikey.ErrRevoked, apikey.ErrExpired, apikey.ErrDenied}

func refusedBy(t testing.TB, what string, v *sts.Verifier, token string, want error) {
	t.Helper()
	key, err := v.Verify(t.Context(), token)
	if key != nil || err == nil {
		t.Errorf("%s: accepted", what)
		return
	}
	for _, r := range rejections {
		if errors.Is(err, r) != (r == want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	if !errors.Is(err, apikey.ErrRejected) || errors.Is(err, apikey.ErrUnavailable) {
		t.Errorf("%s: %v is no rejection", what, err)
	}
	if want == apikey.ErrMalformed && err != apikey.ErrMalformed {
		t.Errorf("%s: %#v is not the bare sentinel", what, err)
	}
	if part := shared(err.Error(), token); part != "" {
		t.Errorf("%s: %v has %q of the token", what, err, part)
	}
}

// shared returns 8 characters in a row that both texts have.
func shared(a, b string) string {
	for i := range len(a) - 7 {
		if strings.Contains(b, a[i:i+8]) {
			return a[i : i+8]
		}
	}
	return ""
}

// forAll runs a test for both algorithms.
func forAll(t *testing.T, test func(*testing.T, *scene)) {
	for _, alg := range []sts.Algorithm{sts.EdDSA, sts.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			s := newScene(t, alg)
			s.accepted(t, "control", s.forge(t))
			s.accepted(t, "control: a token of the service", s.exchange(t, s.text, sts.ExchangeParams{}))
			test(t, s)
		})
	}
}

// decodePart returns a part of a token, by its place.
func decodePart(t testing.TB, token string, i int) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[i])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// payloadOf returns the claims of a token, as they are written.
func payloadOf(t testing.TB, token string) map[string]json.RawMessage {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(decodePart(t, token, 1)))
	var all map[string]json.RawMessage
	if err := d.Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}
