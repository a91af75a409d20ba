package leak_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// No 8 characters of a secret, live, dead or made up, get into an answer, a log or what the store keeps of the
// revocation, whatever goes wrong, and also where the secret is in the URL.
func TestGitHubCanary(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: memstore.New()}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	signer := newGitHubKey(t)
	github := newGitHub(t, signer)
	var log bytes.Buffer
	h := newEndpoint(t, keys, github, leak.GitHubOptions{
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnLeak: func(_ context.Context, l leak.GitHubLeak) { panic(l.Places[0].URL) },
	})
	key, text := keys.Create(t, apikey.CreateParams{})
	said := 0
	check := func(what, s string) {
		t.Helper()
		said++
		secret := text[len(text)-50:] // what follows on the id, which is public
		for i := range len(secret) - 7 {
			if strings.Contains(s, secret[i:i+8]) {
				t.Errorf("%s has %q: %s", what, secret[i:i+8], s)
				return
			}
		}
	}
	send := func(what string, r *http.Request, status int) {
		t.Helper()
		w := serve(h, r)
		if w.Code != status {
			t.Errorf("%s: %d", what, w.Code)
		}
		check(what, w.Body.String()+strings.Join(headerLines(w.Header()), "\n"))
		check(what+", log", log.String())
	}
	find := reported{text, "example_key", "https://github.com/a/b/blob/main/" + text, text}
	body := message(t, find, reported{junked(text), "example_key", text, text}, reported{text + "x", "", text, ""}, reported{"", text, text, text})

	github.breaks(func(*http.Request) (*http.Response, error) { return nil, errors.New("down") })
	send("no list", request(t, signer, body), 503)
	github.breaks(nil)
	h = newEndpoint(t, keys, github, leak.GitHubOptions{
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnLeak: func(_ context.Context, l leak.GitHubLeak) { panic(l.Places[0].URL) },
	})
	for _, header := range []string{kidHeader, signatureHeader} {
		r := request(t, signer, body)
		r.Header.Set(header, text)
		send("in "+header, r, 403)
	}
	r := request(t, signer, body)
	r.URL.Path, r.URL.RawQuery, r.Method = "/"+text, text, text
	send("in the request line", r, 405)
	send("not signed", httptest.NewRequest("POST", "/"+text, strings.NewReader(body)), 403)
	for _, malformed := range []string{text, `"` + text + `"`, `{"` + text + `":1}`, `[{"token":"` + text + `"`, `[{"token":` + text + `}]`} {
		send("malformed", request(t, signer, malformed), 400)
	}
	send("members of other kinds", request(t, signer, `[{"token":{"`+text+`":1}},"`+text+`",{"`+text+`":[]}]`), 200)
	for what, broken := range faults(t, key) {
		if strings.Contains(what, "hang") {
			continue // takes 25 seconds
		}
		broken(store)
		send(what, request(t, signer, body), 503)
		store.set(nil, nil)
	}
	wantAlive(t, keys, text)
	send("revoked", request(t, signer, body), 200)
	if !strings.Contains(log.String(), "a panic") {
		t.Errorf("control: nobody was told: %s", &log)
	}
	send("again", request(t, signer, body), 200)
	is, err := keys.Issuer.Get(t.Context(), key.ID())
	if err != nil || !is.Revoked() {
		t.Fatalf("%v %v", is, err)
	}
	check("the reason", is.RevocationReason()+is.RevokedBy())
	if said < 30 {
		t.Errorf("control: %d", said)
	}
}
