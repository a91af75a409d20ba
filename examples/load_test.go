package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	clients   = 64
	hotKeys   = 8  // all clients use the newest of them, so that verifications race with revocations
	loadSteps = 80 // of which one creates and one revokes
)

// sharedKey is a key that several clients use.
type sharedKey struct {
	id, secret string
	revoking   atomic.Bool // somebody may have asked to revoke it
	revoked    atomic.Bool // and somebody has the answer
}

// load is what the clients share.
type load struct {
	url    string
	client *http.Client

	mu   sync.Mutex
	keys []*sharedKey // the newest ones

	created, accepted, raced, revoked, refused, busy atomic.Int64
}

// TestServerUnderLoad has clients that create, verify and revoke each other's keys. A key is dead for whoever asks
// after its revocation was answered, alive as long as nobody has asked for that, and no answer is 5xx but 503.
func TestServerUnderLoad(t *testing.T) {
	binary := build(t, "server")
	t.Run("argon2", func(t *testing.T) { underLoad(t, binary) })
	// Here a first verification takes microseconds, so that there are many more of everything.
	t.Run("keyring", func(t *testing.T) { underLoad(t, binary, keyring) })
}

func underLoad(t *testing.T, binary string, env ...string) {
	p := start(t, binary, filepath.Join(t.TempDir(), "keys.db"), append(env, "APIKEY_ADMIN_TOKEN="+adminToken)...)
	lasts := 10 * time.Second
	if testing.Short() || !race {
		lasts = time.Second
	}
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	l := &load{url: p.URL, client: &http.Client{Transport: transport}}
	for i := range hotKeys {
		if err := l.create(t.Context(), fmt.Sprintf("first %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(4, uint64(n)))
			for i := 0; ctx.Err() == nil && !t.Failed(); i++ { // what was begun is waited for, so that all answers are looked at
				if err := l.step(t.Context(), dice, fmt.Sprintf("client %d key %d", n, i)); err != nil {
					t.Errorf("client %d: %v", n, err)
				}
			}
		})
	}
	all.Wait()
	transport.CloseIdleConnections()
	log := p.stop(t)
	if strings.Contains(log, "DATA RACE") {
		t.Errorf("%s", tail(log))
	}
	t.Logf("%d created, %d verifications accepted, %d more beside a revocation, %d revoked, %d refused after that, %d times busy",
		l.created.Load(), l.accepted.Load(), l.raced.Load(), l.revoked.Load(), l.refused.Load(), l.busy.Load())
	for what, n := range map[string]int64{
		"created": l.created.Load() - hotKeys, "accepted": l.accepted.Load(), "revoked": l.revoked.Load(), "refused after that": l.refused.Load(),
	} {
		if n <= 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}

// step does one thing.
func (l *load) step(ctx context.Context, dice *rand.Rand, name string) error {
	l.mu.Lock()
	key := l.keys[dice.IntN(len(l.keys))]
	l.mu.Unlock()
	switch step := dice.IntN(loadSteps); {
	case step == 0:
		return l.create(ctx, name)
	case step == 1 && !key.revoking.Load():
		if err := l.revoke(ctx, key); err != nil {
			return err
		}
		if err := l.whoami(ctx, key); err != nil {
			return err
		}
		return l.verify(ctx, key)
	}
	if dice.IntN(2) == 0 {
		return l.whoami(ctx, key)
	}
	return l.verify(ctx, key)
}

// send asks for one of some statuses. 503 may always come.
func (l *load) send(ctx context.Context, method, path, bearer, body string, expected ...int) (*answer, error) {
	a, err := do(ctx, l.client, method, l.url+path, bearer, body)
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusServiceUnavailable {
		l.busy.Add(1)
		return a, nil
	}
	for _, status := range expected {
		if a.Status == status {
			return a, nil
		}
	}
	return nil, fmt.Errorf("%s %s is %d, want one of %d: %s", method, path, a.Status, expected, a.Body)
}

func (l *load) create(ctx context.Context, name string) error {
	a, err := l.send(ctx, "POST", "/v1/api_keys", adminToken, createBody(name), http.StatusCreated)
	if err != nil || a.Status != http.StatusCreated {
		return err
	}
	var made object
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil {
		return err
	}
	l.created.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = append(l.keys, &sharedKey{id: made.ID, secret: made.Secret})
	l.keys = l.keys[max(0, len(l.keys)-hotKeys):]
	return nil
}

func (l *load) revoke(ctx context.Context, key *sharedKey) error {
	key.revoking.Store(true)
	a, err := l.send(ctx, "POST", "/v1/api_keys/"+key.id+"/revoke", adminToken, `{"revocation_reason":"load"}`, http.StatusOK)
	if err != nil || a.Status != http.StatusOK {
		return err
	}
	key.revoked.Store(true)
	l.revoked.Add(1)
	return nil
}

// whoami uses a key, as its owner does.
func (l *load) whoami(ctx context.Context, key *sharedKey) error {
	return l.judge(key, func() (*answer, error) {
		return l.send(ctx, "GET", "/whoami", key.secret, "", http.StatusOK, http.StatusUnauthorized)
	})
}

// verify asks about a key, as another service does.
func (l *load) verify(ctx context.Context, key *sharedKey) error {
	return l.judge(key, func() (*answer, error) {
		return l.send(ctx, "POST", "/v1/api_keys/verify", adminToken, `{"secret":"`+key.secret+`"}`, http.StatusOK, http.StatusNotFound)
	})
}

// judge holds what is answered about a key against what was known before and after.
func (l *load) judge(key *sharedKey, ask func() (*answer, error)) error {
	dead := key.revoked.Load()
	a, err := ask()
	if err != nil || a.Status == http.StatusServiceUnavailable {
		return err
	}
	accepted, dying := a.Status == http.StatusOK, key.revoking.Load()
	switch {
	case accepted && dead:
		return fmt.Errorf("%s was accepted after its revocation was answered", key.id)
	case !accepted && !dying:
		return fmt.Errorf("%s was refused, %d, and nobody had asked to revoke it", key.id, a.Status)
	case accepted && dying:
		l.raced.Add(1)
	case accepted:
		l.accepted.Add(1)
	case dead:
		l.refused.Add(1)
	}
	return nil
}
