package sts_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// 64 goroutines, two processes' worth of services on one store, a new signing key each second for 10 seconds: no valid
// token is refused by whoever verifies it, and none is signed by a key that a client who keeps the set could not know.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	const (
		rotation = time.Second
		lead     = rotation / 2 // that a key is published before it signs
		keeps    = lead / 3     // that a set may be kept
	)
	store, ring := memstore.New(), keyring(t, 1)
	var services []*fixture
	for range 2 {
		services = append(services, newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring, Rotation: rotation}))
	}
	_, text := services[0].Create(t, apikey.CreateParams{})
	server := httptest.NewServer(services[1].handler)
	defer server.Close()
	remote, err := sts.NewVerifier(issuer, audience, &sts.VerifierOptions{
		JWKSURL: server.URL + "/.well-known/jwks.json", RevocationsURL: server.URL + "/oauth/revocations", Refresh: time.Second, Logger: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()

	cache := &jwksCache{url: server.URL + "/.well-known/jwks.json"}
	var exchanged, judged, late atomic.Int64
	var kids sync.Map
	end := time.Now().Add(10 * time.Second)
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for i := g; time.Now().Before(end); i++ {
				set, got := cache.get(t, keeps/2)
				token := services[i%2].exchange(t, text, sts.ExchangeParams{})
				took := time.Since(got)
				exchanged.Add(1)
				kids.Store(kid(t, token), true)
				wantAlive(t, "by the other service", services[(i+1)%2].verifier(t), token)
				wantAlive(t, "elsewhere", remote, token)
				if took > keeps { // the machine was busy: so long nobody was told to keep a set
					late.Add(1)
					continue
				}
				signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
				if err != nil {
					t.Error(err)
					return
				}
				judged.Add(1)
				if keys := set.Key(signed.Signatures[0].Header.KeyID); len(keys) != 1 {
					t.Errorf("signed by a key that was not published %v before", took)
				} else if _, err := signed.Verify(keys[0]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	signers := 0
	kids.Range(func(any, any) bool { signers++; return true })
	t.Logf("%d tokens by %d keys, all accepted by three verifiers; %d judged by a set from before, %d too late for that", exchanged.Load(), signers, judged.Load(), late.Load())
	if signers < 6 || judged.Load() < 100 {
		t.Errorf("%d keys have signed, %d tokens were judged", signers, judged.Load())
	}
}

// jwksCache is a client that keeps a set for a while and never asks for a kid.
type jwksCache struct {
	url string
	mu  sync.Mutex
	set *jose.JSONWebKeySet
	got time.Time // before it was asked for
}

func (c *jwksCache) get(t *testing.T, keep time.Duration) (*jose.JSONWebKeySet, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.got) < keep {
		return c.set, c.got
	}
	got := time.Now()
	response, err := http.Get(c.url)
	if err != nil {
		t.Error(err)
		return c.set, c.got
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	set := new(jose.JSONWebKeySet)
	if err != nil || json.Unmarshal(body, set) != nil {
		t.Errorf("%s, %v", body, err)
		return c.set, c.got
	}
	c.set, c.got = set, got
	return set, got
}
