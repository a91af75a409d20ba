package leak_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

func isRevoked(err error) bool { return errors.Is(err, apikey.ErrRevoked) }

const (
	truePositive  = "true_positive"
	falsePositive = "false_positive"
)

// What becomes of each kind of find, and what GitHub is told of it.
func TestGitHubFinds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, elsewhere := apikeytest.New(t, nil), apikeytest.New(t, nil)
		signer := newGitHubKey(t)
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
		ctx := t.Context()

		_, live := keys.Create(t, apikey.CreateParams{})
		_, named := keys.Create(t, apikey.CreateParams{}) // its id, with junk
		_, foreign := elsewhere.Create(t, apikey.CreateParams{})
		expired, expiredText := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Minute})
		rotated, old := keys.Create(t, apikey.CreateParams{})
		_, secret, err := keys.Issuer.Rotate(ctx, rotated.ID(), apikey.RotateParams{})
		if err != nil {
			t.Fatal(err)
		}
		revoked, revokedText := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Issuer.Revoke(ctx, revoked.ID(), apikey.RevokeParams{Reason: "left the company", By: "admin"}); err != nil {
			t.Fatal(err)
		}
		deleted, deletedText := keys.Create(t, apikey.CreateParams{})
		if err := keys.Issuer.Delete(ctx, deleted.ID()); err != nil {
			t.Fatal(err)
		}
		disabled, disabledText := keys.Create(t, apikey.CreateParams{})
		disable(t, keys, disabled.ID())
		time.Sleep(time.Hour)

		finds := []struct {
			what, text, label string
		}{
			{"a live key", live, truePositive},
			{"the same again", live, truePositive},
			{"a live id with junk", junked(named), falsePositive},
			{"the live key's id with junk", junked(live), falsePositive},
			{"a key of another store", foreign, falsePositive},
			{"no key at all", "not a key", falsePositive},
			{"a key with something behind it", live + `"`, falsePositive},
			{"one character wrong", live[:len(live)-1], falsePositive},
			{"an expired key", expiredText, truePositive},
			{"a disabled key", disabledText, truePositive},
			{"a secret that was rotated away", old, truePositive},
			{"a revoked key", revokedText, truePositive},
			{"a deleted key", deletedText, truePositive},
		}
		var sent []reported
		for n, f := range finds {
			sent = append(sent, reported{f.text, "type_" + string(rune('a'+n)), "", "Commit"})
		}
		before := keys.Verifier.Stats()
		for n, label := range labels(t, h, signer, sent) {
			if label != finds[n].label {
				t.Errorf("%s: %s", finds[n].what, label)
			}
		}
		after := keys.Verifier.Stats()
		if after.Argon2Runs != before.Argon2Runs || after.StoreReads-before.StoreReads > 7 {
			t.Errorf("argon2 ran %d times, and %d reads for 6 ids that were issued here, and the seed",
				after.Argon2Runs-before.Argon2Runs, after.StoreReads-before.StoreReads)
		}

		wantDead(t, keys, live)
		wantAlive(t, keys, named)
		wantAlive(t, keys, secret.Reveal())
		for _, id := range []string{expired.ID(), disabled.ID()} {
			if key, err := keys.Issuer.Get(ctx, id); err != nil || !key.Revoked() || key.RevokedBy() != "github-secret-scanning" ||
				key.RevocationReason() != "found in public by GitHub secret scanning" {
				t.Errorf("a key that leaked can be brought back: %v %v", key, err)
			}
		}
		if key, err := keys.Issuer.Get(ctx, revoked.ID()); err != nil || key.RevokedBy() != "admin" || key.RevocationReason() != "left the company" {
			t.Errorf("the first reason: %v %v", key, err)
		}
	})
}

// A call that comes again gets the same bytes, changes nothing and tells nobody.
func TestGitHubReplay(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	var told []leak.GitHubLeak
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{OnLeak: func(_ context.Context, l leak.GitHubLeak) { told = append(told, l) }})
	key, text := keys.Create(t, apikey.CreateParams{})
	body := message(t, findsOf(text, junked(text), text)...)
	first := call(t, h, signer, body)
	was, err := keys.Issuer.Get(t.Context(), key.ID())
	if err != nil || !was.Revoked() {
		t.Fatalf("%v %v", was, err)
	}
	for range 3 {
		again := call(t, h, signer, body)
		if again.Code != 200 || again.Body.String() != first.Body.String() {
			t.Errorf("%d %s, and the first time %s", again.Code, again.Body, first.Body)
		}
	}
	is, err := keys.Issuer.Get(t.Context(), key.ID())
	if err != nil || !is.UpdatedAt().Equal(was.UpdatedAt()) {
		t.Errorf("changed at %v, revoked at %v: %v", is.UpdatedAt(), was.UpdatedAt(), err)
	}
	if len(told) != 1 || told[0].Key.ID() != key.ID() {
		t.Errorf("%v", told)
	}
}

// The owner is told once for a key, with all the places where secrets of it were found, and with none where junk was.
func TestGitHubOnLeak(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	var told []leak.GitHubLeak
	var alive []string
	var a, b string
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{By: "the leak desk", OnLeak: func(ctx context.Context, l leak.GitHubLeak) {
		told = append(told, l)
		for _, text := range []string{a, b} {
			if _, err := keys.Verifier.Verify(ctx, text); !isRevoked(err) {
				alive = append(alive, text)
			}
		}
	}})
	one, a := keys.Create(t, apikey.CreateParams{Subject: "user_1"})
	_, fresh, err := keys.Issuer.Rotate(t.Context(), one.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	two, b := keys.Create(t, apikey.CreateParams{Subject: "user_2"})
	labels(t, h, signer, []reported{
		{a, "x", "https://github.com/a", "commit"},
		{b, "y", "", "Npm"},
		{junked(a), "x", "https://github.com/junk", "commit"},
		{fresh.Reveal(), "x", "https://github.com/c", "gist_content"},
		{a, "x", "https://github.com/d", "wiki"},
	})
	wantDead(t, keys, a)
	wantDead(t, keys, fresh.Reveal())
	if len(told) != 2 || told[0].Key.ID() != one.ID() || told[1].Key.ID() != two.ID() {
		t.Fatalf("%v", told)
	}
	if len(alive) > 0 {
		t.Errorf("%d times somebody was told while a key of the call was alive", len(alive))
	}
	if k := told[0].Key; k.Subject() != "user_1" || !k.Revoked() || k.RevokedBy() != "the leak desk" {
		t.Errorf("%v", k)
	}
	if want := []leak.GitHubPlace{{"https://github.com/a", "commit", "x"}, {"https://github.com/c", "gist_content", "x"}, {"https://github.com/d", "wiki", "x"}}; !slices.Equal(told[0].Places, want) {
		t.Errorf("%v", told[0].Places)
	}
	if want := []leak.GitHubPlace{{"", "Npm", "y"}}; !slices.Equal(told[1].Places, want) {
		t.Errorf("%v", told[1].Places)
	}
}

// One Issuer revokes the keys of all prefixes; a Verifier that does not take a prefix does not know its keys.
func TestGitHubPrefixes(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Prefixes: []string{"ak", "live"}}})
	live := apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: "live"}})
	trial := apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: "trial"}})
	_, a := live.Create(t, apikey.CreateParams{})
	_, b := trial.Create(t, apikey.CreateParams{})
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	if said := labels(t, h, signer, findsOf(a, b)); !slices.Equal(said, []string{truePositive, falsePositive}) {
		t.Errorf("%v", said)
	}
	wantDead(t, live, a)
	wantAlive(t, trial, b)
}

// Over real connections, both ways. What a URL leads to is not looked at.
func TestGitHubOverHTTP(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	github := httptest.NewTLSServer(newGitHub(t, signer))
	defer github.Close()
	h := newEndpoint(t, keys, nil, leak.GitHubOptions{KeysURL: github.URL, Transport: github.Client().Transport})
	here := httptest.NewServer(h)
	defer here.Close()
	_, text := keys.Create(t, apikey.CreateParams{})
	var looked atomic.Int32
	leaked := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { looked.Add(1) }))
	defer leaked.Close()
	body := message(t, reported{text, "example_key", leaked.URL, "content"})
	r, err := http.NewRequestWithContext(t.Context(), "POST", here.URL+"/anything?at=all", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	// As HTTP/2 and some proxies spell it.
	r.Header["GITHUB-PUBLIC-KEY-IDENTIFIER"] = []string{signer.kid}
	r.Header["github-public-key-signature"] = []string{signer.sign(t, body)}
	response, err := here.Client().Do(r)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%v %v", response, err)
	}
	response.Body.Close()
	wantDead(t, keys, text)
	if n := looked.Load(); n > 0 {
		t.Errorf("the URL was fetched %d times", n)
	}
}

// watched calls a function when the answer begins.
type watched struct {
	http.ResponseWriter
	begins func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.begins()
	return w.ResponseWriter.Write(p)
}

func (w *watched) WriteHeader(status int) {
	w.begins()
	w.ResponseWriter.WriteHeader(status)
}

// When the answer begins, every key that it tells of is dead.
func TestGitHubRevokesFirst(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	var leaked []string
	for range 1000 {
		_, text := keys.Create(t, apikey.CreateParams{})
		wantAlive(t, keys, text) // and warm
		leaked = append(leaked, text)
	}
	began := 0
	w := httptest.NewRecorder()
	h.ServeHTTP(&watched{w, func() {
		began++
		for _, text := range leaked {
			wantDead(t, keys, text)
		}
	}}, request(t, signer, message(t, findsOf(leaked...)...)))
	if w.Code != 200 || began != 1 {
		t.Errorf("%d after %d beginnings", w.Code, began)
	}
}

// The same call many times at once.
func TestGitHubConcurrent(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	var leaked []string
	for range 50 {
		_, text := keys.Create(t, apikey.CreateParams{})
		leaked = append(leaked, text, junked(text))
	}
	body := message(t, findsOf(leaked...)...)
	var calls sync.WaitGroup
	for range 16 {
		calls.Go(func() {
			if w := call(t, h, signer, body); w.Code != 200 || strings.Count(w.Body.String(), truePositive) != 50 || strings.Count(w.Body.String(), falsePositive) != 50 {
				t.Errorf("%d %.200s", w.Code, w.Body)
			}
		})
	}
	calls.Wait()
	for n := 0; n < len(leaked); n += 2 {
		wantDead(t, keys, leaked[n])
	}
}

// An empty call, and what is odd about one find, which does not keep another's key alive.
func TestGitHubOddFinds(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	for _, empty := range []string{"[]", " [ ]\n", `[null,1,"x",[],{},{"token":null},{"token":7},{"token":""}]`} {
		if w := call(t, h, signer, empty); w.Code != 200 || w.Body.String() != "[]" {
			t.Errorf("%s: %d %s", empty, w.Code, w.Body)
		}
	}
	_, text := keys.Create(t, apikey.CreateParams{})
	body := `[{"token":["` + text + `"]},null,{"url":5,"token":"` + text + `","type":{"a":1},"extra":[{}],"source":null},{"token":"` + "\xff" + `"}]`
	if w := call(t, h, signer, body); w.Code != 200 || strings.Count(w.Body.String(), truePositive) != 1 || strings.Count(w.Body.String(), falsePositive) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantDead(t, keys, text)
}

// 10,000 finds of every kind fit the default bound, and run no argon2.
func TestGitHubTenThousand(t *testing.T) {
	t.Parallel()
	keys, elsewhere := apikeytest.New(t, nil), apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	told := 0
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{OnLeak: func(context.Context, leak.GitHubLeak) { told++ }})
	var finds []reported
	var want []string
	leaked := []string{}
	add := func(text, label string) {
		finds = append(finds, reported{text, "example_key", "https://github.com/octocat/Hello-World/blob/main/" + strings.Repeat("folder/", 70), "content"})
		want = append(want, label)
	}
	for range 2000 {
		_, text := keys.Create(t, apikey.CreateParams{})
		_, foreign := elsewhere.Create(t, apikey.CreateParams{})
		leaked = append(leaked, text)
		add(text, truePositive)
		add(foreign, falsePositive)
		add(junked(text), falsePositive)
		add(text, truePositive)
		add(text[1:], falsePositive)
	}
	before := keys.Verifier.Stats().Argon2Runs
	if said := labels(t, h, signer, finds); !slices.Equal(said, want) {
		t.Errorf("a wrong label among %d", len(said))
	}
	if n := keys.Verifier.Stats().Argon2Runs - before; n > 0 || told != 2000 {
		t.Errorf("argon2 ran %d times; %d owners were told", n, told)
	}
	for _, text := range leaked {
		wantDead(t, keys, text)
	}
}
