package leak_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// faulty is a store whose calls go wrong as a test says.
type faulty struct {
	*memstore.Store
	mu           sync.Mutex
	get, replace func(context.Context, apikey.ID) error // nil: they work
}

func (s *faulty) set(get, replace func(context.Context, apikey.ID) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.get, s.replace = get, replace
}

func (s *faulty) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.mu.Lock()
	f := s.get
	s.mu.Unlock()
	if f != nil {
		if err := f(ctx, id); err != nil {
			return nil, err
		}
	}
	return s.Store.Get(ctx, id)
}

func (s *faulty) Replace(ctx context.Context, r *apikey.Record) error {
	s.mu.Lock()
	f := s.replace
	s.mu.Unlock()
	if f != nil {
		if err := f(ctx, r.ID); err != nil {
			return err
		}
	}
	return s.Store.Replace(ctx, r)
}

// faults of the store for one id.
func faults(t *testing.T, key *apikey.Key) map[string]func(*faulty) {
	t.Helper()
	_, id, err := apikey.ParseKeyID(key.ID())
	if err != nil {
		t.Fatal(err)
	}
	only := func(f func(context.Context) error) func(context.Context, apikey.ID) error {
		return func(ctx context.Context, of apikey.ID) error {
			if of != id {
				return nil
			}
			return f(ctx)
		}
	}
	down := only(func(context.Context) error { return errors.New("the disk is full") })
	hangs := only(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	panics := only(func(context.Context) error { panic("store") })
	lost := only(func(context.Context) error { return apikey.ErrOverloaded })
	return map[string]func(*faulty){
		"reads fail":    func(s *faulty) { s.set(down, nil) },
		"writes fail":   func(s *faulty) { s.set(nil, down) },
		"reads hang":    func(s *faulty) { s.set(hangs, nil) },
		"writes hang":   func(s *faulty) { s.set(nil, hangs) },
		"reads panic":   func(s *faulty) { s.set(panics, nil) },
		"writes panic":  func(s *faulty) { s.set(nil, panics) },
		"writes shed":   func(s *faulty) { s.set(nil, lost) },
		"all is broken": func(s *faulty) { s.set(down, down) },
	}
}

// What can't be revoked is no 200, and keeps nothing else from being revoked. When the fault is over, the same call is
// answered in full.
func TestGitHubStoreFaults(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"reads fail", "writes fail", "reads hang", "writes hang", "reads panic", "writes panic", "writes shed", "all is broken"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &faulty{Store: memstore.New()}
				keys := apikeytest.New(t, &apikeytest.Options{Store: store})
				signer := newGitHubKey(t)
				var told []string
				var log bytes.Buffer
				h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{
					OnLeak: func(_ context.Context, l leak.GitHubLeak) { told = append(told, l.Key.ID()) },
					Logger: slog.New(slog.NewTextHandler(&log, nil)),
				})
				var leaked []string
				var ids []string
				var bad *apikey.Key
				for n := range 200 {
					key, text := keys.Create(t, apikey.CreateParams{})
					leaked, ids = append(leaked, text), append(ids, key.ID())
					if n == 77 {
						bad = key
					}
				}
				faults(t, bad)[what](store)
				body := message(t, findsOf(leaked...)...)
				began := time.Now()
				w := call(t, h, signer, body)
				wantStatus(t, what, w, 503)
				if took := time.Since(began); took > 30*time.Second {
					t.Errorf("after %v", took)
				}
				if strings.Contains(w.Body.String(), "positive") || !strings.Contains(log.String(), bad.ID()) {
					t.Errorf("%s, log: %s", w.Body, &log)
				}
				store.set(nil, nil)
				for n, text := range leaked {
					if ids[n] == bad.ID() {
						wantAlive(t, keys, text) // the control
					} else {
						wantDead(t, keys, text)
					}
				}
				if len(told) != 199 || slices.Contains(told, bad.ID()) {
					t.Errorf("%d owners were told", len(told))
				}
				if w := call(t, h, signer, body); w.Code != 200 || strings.Count(w.Body.String(), truePositive) != 200 {
					t.Errorf("afterwards: %d", w.Code)
				}
				wantDead(t, keys, leaked[77])
				if len(told) != 200 || told[199] != bad.ID() {
					t.Errorf("%d owners were told", len(told))
				}
			})
		})
	}
}

// GitHub hangs up: what it reported is revoked all the same.
func TestGitHubHangsUp(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	told := 0
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{OnLeak: func(ctx context.Context, _ leak.GitHubLeak) {
		if told++; ctx.Err() != nil {
			t.Error(ctx.Err())
		}
	}})
	_, text := keys.Create(t, apikey.CreateParams{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	serve(h, request(t, signer, message(t, findsOf(text)...)).WithContext(ctx))
	wantDead(t, keys, text)
	if told != 1 {
		t.Errorf("%d owners were told", told)
	}
}

// A callback that panics, or takes its time, comes after the revocations and takes nothing back.
func TestGitHubBadCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		signer := newGitHubKey(t)
		var told []string
		var log bytes.Buffer
		_, a := keys.Create(t, apikey.CreateParams{Name: "panics"})
		_, b := keys.Create(t, apikey.CreateParams{Name: "hangs"})
		_, c := keys.Create(t, apikey.CreateParams{Name: "is fine"})
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
			OnLeak: func(ctx context.Context, l leak.GitHubLeak) {
				told = append(told, l.Key.Name())
				switch l.Key.Name() {
				case "panics":
					panic(a)
				case "hangs":
					<-ctx.Done()
				}
			},
		})
		began := time.Now()
		if said := labels(t, h, signer, findsOf(a, b, c)); !slices.Equal(said, []string{truePositive, truePositive, truePositive}) {
			t.Errorf("%v", said)
		}
		if took := time.Since(began); took != 25*time.Second {
			t.Errorf("after %v", took)
		}
		for _, text := range []string{a, b, c} {
			wantDead(t, keys, text)
		}
		if !slices.Equal(told, []string{"panics", "hangs", "is fine"}) || !strings.Contains(log.String(), "panic=string") || strings.Contains(log.String(), a[30:]) {
			t.Errorf("%v, log: %s", told, &log)
		}
	})
}

// An Issuer on another store finds nothing to revoke: that must not look as if it were done. A key that was deleted in
// the meantime is done.
func TestGitHubWrongStore(t *testing.T) {
	t.Parallel()
	keys, elsewhere := apikeytest.New(t, nil), apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, &apikeytest.Keys{Issuer: elsewhere.Issuer, Verifier: keys.Verifier}, newGitHub(t, signer), leak.GitHubOptions{})
	key, text := keys.Create(t, apikey.CreateParams{})
	wantStatus(t, "another store", call(t, h, signer, message(t, findsOf(text)...)), 503)
	wantAlive(t, keys, text)
	disable(t, keys, key.ID()) // which is a rejection, and no end
	wantStatus(t, "another store, disabled", call(t, h, signer, message(t, findsOf(text)...)), 503)

	store := &faulty{Store: memstore.New()}
	keys = apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text = keys.Create(t, apikey.CreateParams{})
	h = newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	store.set(nil, func(ctx context.Context, id apikey.ID) error {
		store.set(nil, nil)
		if err := keys.Issuer.Delete(ctx, key.ID()); err != nil {
			t.Error(err)
		}
		return nil
	})
	if w := call(t, h, signer, message(t, findsOf(text)...)); w.Code != 200 || !strings.Contains(w.Body.String(), truePositive) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if _, err := keys.Issuer.Get(t.Context(), key.ID()); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("control: %v", err)
	}
}

// A store call that ends its goroutine leaves a key that nobody has dealt with: that is no 200.
func TestGitHubGoexit(t *testing.T) {
	t.Parallel()
	exits := func(context.Context, apikey.ID) error { runtime.Goexit(); return nil }
	for _, in := range []string{"reads", "writes"} {
		store := &faulty{Store: memstore.New()}
		keys := apikeytest.New(t, &apikeytest.Options{Store: store})
		signer := newGitHubKey(t)
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
		_, text := keys.Create(t, apikey.CreateParams{})
		if in == "reads" {
			store.set(exits, nil)
		} else {
			store.set(nil, exits)
		}
		body := message(t, findsOf(text)...)
		wantStatus(t, in, call(t, h, signer, body), 503)
		store.set(nil, nil)
		wantAlive(t, keys, text)
		wantStatus(t, in+", afterwards", call(t, h, signer, body), 200)
		wantDead(t, keys, text)
	}
}

// Where one secret of a key can't be judged, the key is revoked for another, and the answer is no 200 all the same.
func TestGitHubHalfJudged(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: memstore.New()}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	signer := newGitHubKey(t)
	told := 0
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{
		OnLeak: func(context.Context, leak.GitHubLeak) { told++ }})
	key, old := keys.Create(t, apikey.CreateParams{})
	_, fresh, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	store.set(func(context.Context, apikey.ID) error { store.set(nil, nil); return errors.New("down") }, nil) // once
	body := message(t, findsOf(old, fresh.Reveal())...)
	wantStatus(t, "the first could not be read", call(t, h, signer, body), 503)
	wantDead(t, keys, fresh.Reveal())
	wantStatus(t, "again", call(t, h, signer, body), 200)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// A failure names 20 keys at most, and says how many there are.
func TestGitHubNamedFailures(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: memstore.New()}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	signer := newGitHubKey(t)
	for _, c := range []struct{ failed, named int }{{20, 20}, {25, 20}} {
		var log bytes.Buffer
		h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		var ids, leaked []string
		store.set(nil, nil)
		for range c.failed {
			key, text := keys.Create(t, apikey.CreateParams{})
			ids, leaked = append(ids, key.ID()), append(leaked, text)
		}
		store.set(nil, func(context.Context, apikey.ID) error { return errors.New("the disk is full") })
		wantStatus(t, "full", call(t, h, signer, message(t, findsOf(leaked...)...)), 503)
		named := 0
		for _, id := range ids {
			if strings.Contains(log.String(), id+`\"`) {
				named++
			}
		}
		if named != c.named || !strings.Contains(log.String(), fmt.Sprintf("%d keys may be alive", c.failed)) {
			t.Errorf("%d of %d are named: %s", named, c.failed, &log)
		}
	}
}

// A closed Verifier can't tell.
func TestGitHubClosedVerifier(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	signer := newGitHubKey(t)
	h := newEndpoint(t, keys, newGitHub(t, signer), leak.GitHubOptions{})
	_, text := keys.Create(t, apikey.CreateParams{})
	keys.Verifier.Close()
	wantStatus(t, "closed", call(t, h, signer, message(t, findsOf(text)...)), 503)
}
