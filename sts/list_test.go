package sts_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// payload returns what is signed, without a look at the signature.
func payload(t testing.TB, text string) map[string]any {
	t.Helper()
	parts := strings.Split(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	var v map[string]any
	if err != nil || json.Unmarshal(data, &v) != nil {
		t.Fatalf("%q is not a token", text)
	}
	return v
}

// listed returns the list that is published.
func (f *fixture) listed(t testing.TB) map[string]any {
	t.Helper()
	w := f.get("/oauth/revocations")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/jwt" || w.Header().Get("Cache-Control") != "public, no-cache" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return payload(t, w.Body.String())
}

// has reports whether the list says that no token of the key lives.
func has(list map[string]any, key *apikey.Key) bool {
	_, id, _ := apikey.ParseKeyID(key.ID())
	return slices.Contains(list["revoked"].([]any), any(id.String()))
}

// The list is right whichever process made the change and however often the service has started since, and it
// has what it needs to and no more.
func TestListAcrossProcessesAndRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, ring := memstore.New(), keyring(t, 1)
		start := func() *fixture {
			return newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, TTL: 15 * time.Minute})
		}
		one, two := start(), start()
		key, text := one.Create(t, apikey.CreateParams{Scopes: []string{"a"}})
		quiet, _ := one.Create(t, apikey.CreateParams{})
		token := one.exchange(t, text, sts.ExchangeParams{})
		if _, err := one.Issuer.Update(t.Context(), quiet.ID(), apikey.UpdateParams{Description: new("nothing is taken")}); err != nil {
			t.Fatal(err)
		}
		if list := two.listed(t); len(list["revoked"].([]any)) != 0 || len(list["cut"].(map[string]any)) != 0 {
			t.Errorf("nothing has died: %v", list)
		}
		if _, err := one.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		for range 3 {
			for what, f := range map[string]*fixture{"one": one, "two": two, "one that has just started": start()} {
				if !has(f.listed(t), key) {
					t.Errorf("%s does not list it", what)
				}
				elsewhere, _ := f.remote(t, sts.VerifierOptions{})
				wantDead(t, what, elsewhere, token, apikey.ErrRevoked)
				elsewhere.Close()
			}
			time.Sleep(5 * time.Minute)
		}
		// Nothing that was derived from it can live any more.
		time.Sleep(3 * time.Minute)
		if has(start().listed(t), key) || has(one.listed(t), key) {
			t.Error("it is listed after 18 minutes")
		}
	})
}

// An end is the first instant at which it is over: for a key, and for a secret in its grace.
func TestListAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		ends, _ := f.Create(t, apikey.CreateParams{})
		rotated, _ := f.Create(t, apikey.CreateParams{})
		_, err1 := f.Issuer.Update(t.Context(), ends.ID(), apikey.UpdateParams{ExpiresIn: new(time.Minute)})
		_, _, err2 := f.Issuer.Rotate(t.Context(), rotated.ID(), apikey.RotateParams{Grace: time.Minute})
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		_, rid, _ := apikey.ParseKeyID(rotated.ID())
		for _, dead := range []bool{false, true} {
			list := f.listed(t)
			left, _ := list["cut"].(map[string]any)[rid.String()].(map[string]any)
			if has(list, ends) != dead || dead != (left["number"] == 2.0) || has(list, rotated) {
				t.Errorf("dead is %v: %v", dead, list)
			}
			time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		}
	})
}

// A store that remembers no changes has no list: a document that says that nothing has died would be a lie.
func TestNoLogNoList(t *testing.T) {
	t.Parallel()
	f := newFixture(t, &apikeytest.Options{Store: struct{ apikey.Store }{memstore.New()}}, sts.ServiceOptions{})
	if w := f.get("/oauth/revocations"); w.Code != http.StatusNotFound {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if m := decode(t, f.get("/.well-known/oauth-authorization-server"), http.StatusOK); m["key_revocations_uri"] != nil {
		t.Errorf("%v", m)
	}
	key, text := f.Create(t, apikey.CreateParams{})
	token := f.exchange(t, text, sts.ExchangeParams{})
	wantAlive(t, "here", f.verifier(t), token)
	elsewhere, _ := f.remote(t, sts.VerifierOptions{})
	wantDead(t, "elsewhere", elsewhere, token, apikey.ErrUnavailable)
	if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	wantDead(t, "here", f.verifier(t), token, apikey.ErrRevoked)
}

// A list that could not be made is no list, and the next one is whole, whichever call of the store failed.
func TestListFailsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for n := 1; ; n++ {
			base := memstore.New()
			revoker := newFixture(t, &apikeytest.Options{Store: base}, sts.ServiceOptions{})
			key, _ := revoker.Create(t, apikey.CreateParams{})
			if _, err := revoker.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
				t.Fatal(err)
			}
			fault := &storetest.Fault{Call: n}
			f := newFixture(t, &apikeytest.Options{Store: fault.Wrap(base)}, sts.ServiceOptions{Keyring: keyring(t, 1)})
			w := f.get("/oauth/revocations")
			if fault.Calls() < n {
				if n != 5 || w.Code != http.StatusOK {
					t.Errorf("%d after %d calls of the store", w.Code, n-1)
				}
				return
			}
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
				t.Errorf("call %d: %d %s", n, w.Code, w.Body)
			}
			time.Sleep(100 * time.Millisecond) // that long a failure is everybody's
			if !has(f.listed(t), key) {
				t.Errorf("call %d: the next list does not have it", n)
			}
		}
	})
}

// Records are read once for each of their changes, and the list is made ten times a second at most, however many ask.
func TestListIsCheap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{})
		const keys = 50
		for i := range keys {
			key, _ := f.Create(t, apikey.CreateParams{Name: fmt.Sprint(i)})
			if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
				t.Fatal(err)
			}
		}
		f.listed(t)
		store.reset()
		for range 100 { // 10 seconds
			var wg sync.WaitGroup
			for range 4 {
				for range 5 {
					wg.Go(func() { f.get("/oauth/revocations") })
				}
				wg.Wait()
				time.Sleep(25 * time.Millisecond)
			}
		}
		if gets, logs := store.counts(); gets != 0 || logs > 101 {
			t.Errorf("%d reads of records, %d of the log", gets, logs)
		}
		// A key that was judged is judged again when it changes.
		key, _ := f.Create(t, apikey.CreateParams{})
		if _, err := f.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new("d")}); err != nil {
			t.Fatal(err)
		}
		if has(f.listed(t), key) {
			t.Error("it is listed, and lives")
		}
		if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		store.reset()
		time.Sleep(time.Second)
		for range 10 {
			if !has(f.listed(t), key) {
				t.Error("it is not listed")
			}
			time.Sleep(time.Second)
		}
		if gets, _ := store.counts(); gets != 1 {
			t.Errorf("%d reads for one change", gets)
		}

		// A log that fails is asked no more often.
		store.fail(errors.New("the log is down"))
		store.reset()
		for range 100 { // a second
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					if w := f.get("/oauth/revocations"); w.Code != http.StatusServiceUnavailable {
						t.Error(w.Code)
					}
				})
			}
			wg.Wait()
			time.Sleep(10 * time.Millisecond)
		}
		if _, logs := store.counts(); logs > 11 {
			t.Errorf("%d reads of a log that is down, in a second", logs)
		}
	})
}

// counting counts reads. It tells of no changes.
type counting struct {
	*memstore.Store
	mu         sync.Mutex
	gets, logs int
	failure    error // of the log
}

func (s *counting) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

func (s *counting) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.mu.Lock()
	s.gets++
	s.mu.Unlock()
	return s.Store.Get(ctx, id)
}

func (s *counting) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	s.mu.Lock()
	s.logs++
	err := s.failure
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.Store.Changes(ctx, within)
}

func (s *counting) counts() (gets, logs int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.logs
}

func (s *counting) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets, s.logs = 0, 0
}
