package leak_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
)

func wantStatus(t *testing.T, what string, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status || (w.Header().Get("Retry-After") != "") != (status == 503) {
		t.Errorf("%s: %d, Retry-After %q, want %d", what, w.Code, w.Header().Get("Retry-After"), status)
	}
}

func wantFetches(t *testing.T, g *gitHub, fetches, unchanged int) {
	t.Helper()
	if f, u := g.asked(); f != fetches || u != unchanged {
		t.Errorf("%d fetches, %d of them answered with 304, want %d and %d", f, u, fetches, unchanged)
	}
}

// The list is fetched when it is needed, and asked for again after an hour, which costs GitHub an answer without a body
// as long as it has not changed. A key that was dropped is then refused, and one that was added believed.
func TestGitHubKeyCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := newGitHubKey(t), newGitHubKey(t)
		github := newGitHub(t, a)
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		wantFetches(t, github, 0, 0)
		for range 100 {
			wantStatus(t, "at first", call(t, h, a, "[]"), 200)
		}
		time.Sleep(time.Hour - time.Nanosecond)
		wantStatus(t, "just fresh", call(t, h, a, "[]"), 200)
		wantFetches(t, github, 1, 0)
		time.Sleep(time.Nanosecond)
		for range 100 {
			wantStatus(t, "an hour later", call(t, h, a, "[]"), 200)
		}
		wantFetches(t, github, 2, 1)
		time.Sleep(time.Hour)
		github.publish(t, b)
		wantStatus(t, "dropped", call(t, h, a, "[]"), 403)
		wantStatus(t, "added", call(t, h, b, "[]"), 200)
		wantFetches(t, github, 3, 1)
		time.Sleep(time.Hour)
		wantStatus(t, "unchanged again", call(t, h, b, "[]"), 200)
		wantFetches(t, github, 4, 2)
	})
}

// GitHub changes keys: a call under the new one makes the handler fetch the list, and one under the old is
// believed as long as it is listed.
func TestGitHubRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, next := newGitHubKey(t), newGitHubKey(t)
		github := newGitHub(t, old)
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		wantStatus(t, "before", call(t, h, old, "[]"), 200)
		time.Sleep(10 * time.Minute)
		old.current = false
		github.publish(t, old, next)
		wantStatus(t, "the new one", call(t, h, next, "[]"), 200)
		wantStatus(t, "the old one, under way since before", call(t, h, old, "[]"), 200)
		wantFetches(t, github, 2, 0)
	})
}

// Identifiers can be made up: however many come, GitHub is asked once in two minutes, which is half of what it allows.
// A call whose identifier GitHub could not be asked for may come again.
func TestGitHubUnknownIdentifiers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer, stranger := newGitHubKey(t), newGitHubKey(t)
		github := newGitHub(t, signer)
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		start := time.Now()
		asked := 0
		for time.Since(start) < time.Hour {
			stranger.kid = rand.Text()
			w := call(t, h, stranger, "[]")
			fetches, _ := github.asked()
			want := 503
			if fetches > asked {
				want = 403
			}
			asked = fetches
			wantStatus(t, "made up", w, want)
			wantStatus(t, "the one that is known", call(t, h, signer, "[]"), 200)
			time.Sleep(time.Second)
		}
		if asked != 30 {
			t.Errorf("%d fetches in an hour", asked)
		}
		// Nor where it does not answer, and then it is asked once a minute: none of it is up to strangers.
		time.Sleep(2 * time.Minute)
		github.breaks(answering(500, ""))
		for range 120 {
			stranger.kid = rand.Text()
			wantStatus(t, "in an outage", call(t, h, stranger, "[]"), 503)
			wantStatus(t, "the one that is known", call(t, h, signer, "[]"), 200)
			time.Sleep(time.Second)
		}
		if fetches, _ := github.asked(); fetches != asked+2 {
			t.Errorf("%d fetches in two minutes", fetches-asked)
		}
	})
}

// A key that GitHub publishes just after a stranger had the list fetched: its calls may come again until the list is
// asked for once more, also those that waited for the stranger's fetch, whose answer may be older than they are.
func TestGitHubNewKeyAfterStranger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		old, next, stranger := newGitHubKey(t), newGitHubKey(t), newGitHubKey(t)
		github := newGitHub(t, old)
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		slow := make(chan struct{})
		github.breaks(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			github.ServeHTTP(w, r)
			<-slow // what it says was so a while ago
			return w.Result(), nil
		})
		var calls sync.WaitGroup
		calls.Go(func() { wantStatus(t, "a stranger", call(t, h, stranger, "[]"), 403) })
		synctest.Wait()
		github.publish(t, old, next)
		calls.Go(func() { wantStatus(t, "the new one, under the stranger's fetch", call(t, h, next, "[]"), 503) })
		calls.Go(func() { wantStatus(t, "the old one, under it", call(t, h, old, "[]"), 200) })
		synctest.Wait()
		close(slow)
		calls.Wait()
		github.breaks(nil)
		time.Sleep(2*time.Minute - time.Nanosecond)
		w := call(t, h, next, "[]")
		wantStatus(t, "two minutes later, but for a moment", w, 503)
		if after := w.Header().Get("Retry-After"); after != "120" {
			t.Errorf("Retry-After: %s", after)
		}
		wantFetches(t, github, 1, 0)
		time.Sleep(time.Nanosecond)
		wantStatus(t, "two minutes later", call(t, h, next, "[]"), 200)
		wantFetches(t, github, 2, 0)
	})
}

// Calls that need the list at the same time share one fetch. One of them that is given up does not take it from the
// others.
func TestGitHubOneFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer := newGitHubKey(t)
		github := newGitHub(t, signer)
		slow := make(chan struct{})
		github.breaks(func(r *http.Request) (*http.Response, error) {
			select {
			case <-slow:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			w := httptest.NewRecorder()
			github.ServeHTTP(w, r)
			return w.Result(), nil
		})
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		calls.Go(func() { serve(h, request(t, signer, "[]").WithContext(ctx)) })
		synctest.Wait()
		cancel()
		for range 50 {
			calls.Go(func() { wantStatus(t, "one of many", call(t, h, signer, "[]"), 200) })
		}
		synctest.Wait()
		close(slow)
		calls.Wait()
		wantFetches(t, github, 1, 0)
	})
}

// What GitHub may answer that is no list. The first call fails then, and the last list is used for a week after it was
// true; then no call is believed.
func TestGitHubKeyOutage(t *testing.T) {
	t.Parallel()
	signer, other := newGitHubKey(t), newGitHubKey(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	good := signer.pem(t)
	block, _ := pem.Decode([]byte(good))
	encoded := func(kind string, headers map[string]string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Headers: headers, Bytes: der}))
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer.private)
	if err != nil {
		t.Fatal(err)
	}
	listed := func(keys ...string) string {
		list := []any{}
		for _, key := range keys {
			list = append(list, map[string]any{"key_identifier": signer.kid, "key": key, "is_current": true})
		}
		body, err := json.Marshal(map[string]any{"public_keys": list})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	offCurve := append([]byte(nil), block.Bytes...)
	offCurve[len(offCurve)-1] ^= 1
	for what, broken := range map[string]func(*http.Request) (*http.Response, error){
		"refused":   func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"swallowed": func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() },
		"a trickle": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: trickle{r.Context()}}, nil
		},
		"500":                  answering(500, listed(good)),
		"rate limited":         answering(403, listed(good)),
		"nothing":              answering(204, ""),
		"an empty body":        answering(200, ""),
		"HTML":                 answering(200, "<html>down for maintenance</html>"),
		"another format":       answering(200, `{"keys":[]}`),
		"an array":             answering(200, `[]`),
		"null":                 answering(200, `null`),
		"no keys":              answering(200, listed()),
		"no PEM":               answering(200, listed("")),
		"junk for PEM":         answering(200, listed("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")),
		"P-384":                answering(200, listed(publicPEM(t, p384.Public()))),
		"RSA":                  answering(200, listed(publicPEM(t, rsaKey.Public()))),
		"a private key":        answering(200, listed(encoded("PRIVATE KEY", nil, private))),
		"another kind of PEM":  answering(200, listed(encoded("EC PUBLIC KEY", nil, block.Bytes))),
		"PEM with headers":     answering(200, listed(encoded("PUBLIC KEY", map[string]string{"a": "b"}, block.Bytes))),
		"two blocks":           answering(200, listed(good+good)),
		"bytes behind the DER": answering(200, listed(encoded("PUBLIC KEY", nil, append(append([]byte(nil), block.Bytes...), 0)))),
		"off the curve":        answering(200, listed(encoded("PUBLIC KEY", nil, offCurve))),
		"two under one name":   answering(200, listed(good, other.pem(t))),
		"a giant":              answering(200, listed(good)+strings.Repeat(" ", 256<<10)),
		"cut off":              answering(200, listed(good)[:100]),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				github := newGitHub(t, signer)
				h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
				github.breaks(broken)
				began := time.Now()
				wantStatus(t, "never fetched", call(t, h, signer, "[]"), 503)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("after %v", took)
				}
				github.breaks(nil)
				time.Sleep(time.Minute)
				wantStatus(t, "afterwards", call(t, h, signer, "[]"), 200)
				got := time.Now()
				github.breaks(broken)
				for time.Since(got) < 7*24*time.Hour-6*time.Hour {
					time.Sleep(5 * time.Hour)
					wantStatus(t, "in an outage", call(t, h, signer, "[]"), 200)
				}
				time.Sleep(time.Until(got.Add(7*24*time.Hour + time.Second)))
				wantStatus(t, "a week later", call(t, h, signer, "[]"), 503)
				github.breaks(nil)
				time.Sleep(time.Minute)
				wantStatus(t, "at last", call(t, h, signer, "[]"), 200)
			})
		})
	}
}

// trickle is a body that never ends, by a byte a second.
type trickle struct{ ctx context.Context }

func (b trickle) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func (trickle) Close() error { return nil }

// Beside keys of a kind that is not known, those that are count; one key may be listed twice.
func TestGitHubOtherKinds(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := newGitHubKey(t)
	list, err := json.Marshal(map[string]any{"more": 1, "public_keys": []any{
		map[string]any{"key_identifier": "future", "key": publicPEM(t, p384.Public())}, map[string]any{"key_identifier": "", "key": signer.pem(t)},
		map[string]any{"key_identifier": signer.kid, "key": "\n" + signer.pem(t) + "\n", "more": []int{}}, map[string]any{"key_identifier": signer.kid, "key": signer.pem(t)}}})
	if err != nil {
		t.Fatal(err)
	}
	h := newEndpoint(t, apikeytest.New(t, nil), &gitHub{list: list}, leak.GitHubOptions{})
	wantStatus(t, "listed beside others", call(t, h, signer, "[]"), 200)
}

// A 304 to a question without an ETag says nothing.
func TestGitHubUnaskedNotModified(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	github := newGitHub(t, signer)
	github.breaks(answering(http.StatusNotModified, ""))
	h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
	wantStatus(t, "304", call(t, h, signer, "[]"), 503)
}

// Redirects are not followed, wherever they lead.
func TestGitHubRedirect(t *testing.T) {
	t.Parallel()
	signer := newGitHubKey(t)
	elsewhere := httptest.NewServer(newGitHub(t, signer))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		h := newEndpoint(t, apikeytest.New(t, nil), nil, leak.GitHubOptions{KeysURL: redirecting.URL})
		wantStatus(t, "redirected", call(t, h, signer, "[]"), 503)
		redirecting.Close()
	}
	h := newEndpoint(t, apikeytest.New(t, nil), nil, leak.GitHubOptions{KeysURL: elsewhere.URL})
	wantStatus(t, "control", call(t, h, signer, "[]"), 200)
}

// Keys that are given serve where the list can't be had, and not against it.
func TestGitHubGivenKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		given, listed, stranger := newGitHubKey(t), newGitHubKey(t), newGitHubKey(t)
		github := newGitHub(t, listed)
		github.breaks(answering(500, ""))
		keys := map[string]string{given.kid: given.pem(t)}
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{Keys: keys})
		delete(keys, given.kid) // it has its own
		for range 100 {
			wantStatus(t, "given", call(t, h, given, "[]"), 200)
		}
		wantStatus(t, "not given", call(t, h, stranger, "[]"), 503)
		wantFetches(t, github, 1, 0)
		github.breaks(nil)
		time.Sleep(time.Minute)
		wantStatus(t, "given, and not listed", call(t, h, given, "[]"), 403)
		wantStatus(t, "listed", call(t, h, listed, "[]"), 200)
		github.breaks(answering(500, ""))
		time.Sleep(6 * 24 * time.Hour)
		wantStatus(t, "given, and not in a list that still counts", call(t, h, given, "[]"), 503)
		time.Sleep(24 * time.Hour)
		wantStatus(t, "given, after a week without a list", call(t, h, given, "[]"), 200)
		wantStatus(t, "listed, after that", call(t, h, listed, "[]"), 503)
	})
}

// A transport that panics leaves nobody waiting for ever.
func TestGitHubPanickingTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signer := newGitHubKey(t)
		github := newGitHub(t, signer)
		github.breaks(func(*http.Request) (*http.Response, error) { panic("transport") })
		h := newEndpoint(t, apikeytest.New(t, nil), github, leak.GitHubOptions{})
		func() {
			defer func() { recover() }() // as net/http does
			call(t, h, signer, "[]")
		}()
		wantStatus(t, "meanwhile", call(t, h, signer, "[]"), 503)
		github.breaks(nil)
		time.Sleep(time.Minute)
		wantStatus(t, "afterwards", call(t, h, signer, "[]"), 200)
	})
}
