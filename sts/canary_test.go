package sts_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// paper is what everything is written on, from several goroutines.
type paper struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.Write(b)
}

func (p *paper) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.b.String()
}

// say prints values in every way that somebody might.
func (p *paper) say(values ...any) {
	log := slog.New(slog.NewTextHandler(p, nil))
	logJSON := slog.New(slog.NewJSONHandler(p, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T", "%o", "%c", "%U", "%e", "%10v", "%.3s", "%-+ #08v"} {
			fmt.Fprintf(p, verb+"\n", v)
		}
		fmt.Fprint(p, v)
		fmt.Fprintln(p, []any{v}, struct{ V any }{v}, map[string]any{"v": v}, &v)
		log.Info("said", "v", v, "group", slog.GroupValue(slog.Any("v", v)))
		logJSON.Info("said", "v", v)
		if b, err := json.Marshal(v); err == nil {
			p.Write(b)
		}
		if k, is := v.(*apikey.Key); v != nil && !(is && k == nil) { // at which gob panics
			gob.NewEncoder(p).Encode(v)
		}
		if err, is := v.(error); is {
			for ; err != nil; err = errors.Unwrap(err) {
				fmt.Fprintf(p, "%+v %#v\n", err, err)
			}
		}
	}
}

// pieces are 8 characters in a row of a text.
func pieces(text string) (all []string) {
	for i := range len(text) - 7 {
		all = append(all, text[i:i+8])
	}
	return all
}

// seedPieces are those of a private key, in the ways that bytes are printed.
func seedPieces(seed []byte) (all []string) {
	for i := range len(seed) - 7 {
		part := seed[i : i+8]
		all = append(all, string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)), strings.Trim(fmt.Sprint(part), "[]"))
	}
	for i := range 3 {
		all = append(all, base64.StdEncoding.EncodeToString(seed[i:])[:24], base64.RawURLEncoding.EncodeToString(seed[i:])[:24])
	}
	return all
}

// keyPieces are those of the secret part of a key's text; what is before it is public.
func keyPieces(text string) []string { return pieces(text[len(text)-72+22:]) }

// tokenPieces are those of a token: 8 characters of its signature, which nothing else has, and 24 of its claims,
// of which other documents have some.
func tokenPieces(text string) (all []string) {
	p := strings.Split(text, ".")
	for i := 60; i < len(p[1])-24; i++ { // the issuer is in front
		all = append(all, p[1][i:i+24])
	}
	return append(all, pieces(p[2])...)
}

func find(where string, all []string) string {
	byStart := map[string][]string{}
	for _, part := range all {
		byStart[part[:6]] = append(byStart[part[:6]], part)
	}
	for i := range len(where) - 6 {
		for _, part := range byStart[where[i:i+6]] {
			if strings.HasPrefix(where[i:], part) {
				return fmt.Sprintf("%.100q", where[max(0, i-60):])
			}
		}
	}
	return ""
}

// A Token is printed by nothing but Reveal.
func TestTokenPrintsNoText(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read"}})
	token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
	if err != nil {
		t.Fatal(err)
	}
	var p paper
	p.say(token, *token, &token, []*sts.Token{token}, []sts.Token{*token}, map[string]*sts.Token{"t": token}, struct{ t sts.Token }{*token}, struct{ T *sts.Token }{token}, struct{ t *sts.Token }{token},
		fmt.Errorf("failed with %v", token), f.service, f.verifier(t), f.handler)
	if where := find(p.String(), tokenPieces(token.Reveal())); where != "" {
		t.Errorf("printed: %s", where)
	}
	if !strings.Contains(p.String(), "[token "+token.ID+"]") {
		t.Error("the id is not printed")
	}
	if got := (&sts.Token{}).Reveal(); got != "" {
		t.Errorf("a zero Token reveals %q", got)
	}
	p.say(sts.Token{}, &sts.Token{})
	if find("x"+token.Reveal()+"x", tokenPieces(token.Reveal())) == "" {
		t.Error("control: the search finds nothing")
	}
}

// I4: of no key, no token and no signing key are there 8 characters in an error, a log, an answer that is not the one
// they were asked for by, or the store.
func TestCVE_2025_4166_NoSecretLeaks(t *testing.T) {
	t.Parallel()
	for _, alg := range []sts.Algorithm{sts.EdDSA, sts.ES256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			var p paper
			var secrets []string
			for n := range 25 {
				for _, after := range []bool{false, true} {
					secrets = append(secrets, play(t, &p, alg, n, after)...)
				}
			}
			if len(secrets) < 5000 || len(p.String()) < 500_000 {
				t.Fatalf("only %d pieces of secrets, and %d bytes to search", len(secrets), len(p.String()))
			}
			if where := find(p.String(), secrets); where != "" {
				t.Errorf("a part of a secret was printed: …%s", where)
			}
			if find("x"+secrets[0]+"x", secrets) == "" {
				t.Error("control: the search finds nothing")
			}
		})
	}
}

// play does what can be done with a service whose n-th call of the store fails, writes down all of what came out, and
// returns the pieces of what must not be there.
func play(t *testing.T, p *paper, alg sts.Algorithm, n int, after bool) (secrets []string) {
	ctx, ring := t.Context(), keyring(t, 1)
	inner := memstore.New()
	log := slog.New(slog.NewJSONHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))
	healthy := apikeytest.New(t, &apikeytest.Options{Store: inner, Issuer: apikey.IssuerOptions{Logger: log}, Verifier: apikey.VerifierOptions{Logger: log}})
	key, text := healthy.Create(t, apikey.CreateParams{Scopes: []string{"read"}})
	_, victim := healthy.Create(t, apikey.CreateParams{})
	secrets = append(secrets, keyPieces(text)...)
	secrets = append(secrets, keyPieces(victim)...)

	store := (&storetest.Fault{Call: n, After: after}).Wrap(inner)
	issuerOf, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: apikeytest.Params(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	service, err := sts.NewService(store, verifier, issuer, &sts.ServiceOptions{Algorithm: alg, Keyring: ring, Audiences: []string{audience}, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := sts.Handler(service, &sts.Options{Tokens: []string{admin}, Issuer: issuerOf, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	local, err := service.Verifier("")
	if err != nil {
		t.Fatal(err)
	}
	remote, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{Algorithm: alg, Client: direct(handler), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	secrets = append(secrets, pieces(admin)...)

	var tokens []string
	for range 2 {
		if token, err := service.Exchange(ctx, text, sts.ExchangeParams{}); err == nil {
			tokens = append(tokens, token.Reveal())
			p.say(token)
		} else {
			p.say(err)
		}
	}
	answers := func(path string, values url.Values, authorization ...string) {
		r := httptest.NewRequest("POST", path, strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header["Authorization"] = authorization
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var answer struct {
			Token string `json:"access_token"`
		}
		if json.Unmarshal(w.Body.Bytes(), &answer) == nil && answer.Token != "" {
			tokens = append(tokens, answer.Token)
			return // the one answer with one
		}
		fmt.Fprintln(p, w.Code, w.Header(), w.Body)
	}
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	bad := text[:len(text)-20] + strings.ToUpper(text[len(text)-20:])
	secrets = append(secrets, keyPieces(bad)...)
	for _, credential := range append(slices.Clone(tokens), text, bad, victim, "") {
		variants := []string{credential, credential + "x", credential[:len(credential)*9/10]}
		if n > 0 { // a fault changes what is said of those that are good
			variants = variants[:1]
		}
		for _, one := range variants {
			for _, v := range []*sts.Verifier{local, remote} {
				k, err := v.Verify(ctx, one)
				p.say(k, err)
			}
			_, err := service.Exchange(ctx, one, sts.ExchangeParams{Audience: one, Scopes: []string{one}})
			p.say(err)
			answers("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {key.ID()}, "client_secret": {one}, "scope": {"nothing"}})
			answers("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(key.ID(), one))
			answers("/oauth/token", url.Values{"grant_type": {"client_credentials"}}, basic(key.ID(), one), basic(one, one))
			answers("/oauth/token", url.Values{"grant_type": {one}, "client_id": {one}, "client_secret": {one}, "resource": {one}})
			answers("/oauth/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {one}, "subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "audience": {one}, "scope": {one}})
			answers("/oauth/introspect", url.Values{"token": {one}}, "Bearer "+admin)
			answers("/oauth/introspect", url.Values{"token": {one}}, "Bearer "+one)
			answers("/oauth/revoke", url.Values{"token": {one}, "client_id": {one}}, basic(one, one))
			if one != text && one != "" {
				answers("/oauth/revoke", url.Values{"token": {one}, "client_id": {"ak_x"}})
			}
			answers("/oauth/token?client_secret="+url.QueryEscape(one), url.Values{})
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/oauth/revocations", "/.well-known/oauth-authorization-server"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		fmt.Fprintln(p, w.Code, w.Header(), w.Body)
	}
	answers("/oauth/revoke", url.Values{"token": {text}})
	for _, v := range []*sts.Verifier{local, remote} {
		for _, token := range tokens {
			k, err := v.Verify(ctx, token)
			p.say(k, err)
		}
	}
	p.say(service.DiscardKeys(ctx))
	verifier.Close()
	remote.Close() // nothing changes what is printed now
	_, err = service.Exchange(ctx, text, sts.ExchangeParams{})
	p.say(err, service, local, remote, handler)
	for _, token := range tokens {
		secrets = append(secrets, tokenPieces(token)...)
	}

	raw, err := inner.Value(context.Background(), "sts/signing-keys/"+string(alg)+"/"+issuer)
	if err != nil {
		t.Fatal(err)
	}
	p.Write(raw)
	page, _, err := inner.List(ctx, apikey.Filter{}, apikey.ID{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range page {
		b, err := r.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		p.Write(b)
	}
	if raw == nil { // the fault struck when a new key was to be stored
		return secrets
	}
	f := &fixture{Keys: healthy, service: service, handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })}
	switch private := f.forger(t, issuer, alg, ring).private.(type) {
	case ed25519.PrivateKey:
		secrets = append(secrets, seedPieces(private.Seed())...)
	case *ecdsa.PrivateKey:
		b, err := private.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, seedPieces(b)...)
	}
	return secrets
}
