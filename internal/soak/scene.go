package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

const (
	writers  = 8
	readers  = 2
	audience = "https://api.example.com"
	// cheap: what is looked for here is not in argon2, which would leave time for nothing else.
	cheapMemory, cheapTime, cheapThreads = 64, 1, 1
)

// scene is a service without its server.
type scene struct {
	path    string
	store   *boltstore.Store
	issuer  *apikey.Issuer
	service *sts.Service
	writers []*writer
	keyring *apikey.Keyring
	gate    *hash.Gate

	verifier atomic.Pointer[apikey.Verifier] // the one that stays
	samples  samples

	// Texts of keys that are alive, or were a moment ago, for readers. Writers put them in at random places.
	mu    sync.RWMutex
	texts []string
}

func openScene(path string, o options) (s *scene, err error) {
	s = &scene{path: path}
	for w := range writers {
		s.writers = append(s.writers, &writer{
			scene:   s,
			subject: fmt.Sprintf("user_%d", w),
			want:    o.keys / writers,
			random:  rand.New(rand.NewPCG(o.seed, uint64(w))),
		})
	}
	if s.store, err = boltstore.Open(path, nil); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.store.Close())
		}
	}()
	if s.keyring, err = apikey.NewKeyring(make([]byte, 32)); err != nil {
		return nil, err
	}
	if s.gate, err = hash.NewGate(0, 0, 0); err != nil {
		return nil, err
	}
	s.issuer, err = apikey.NewIssuer(s.store, &apikey.IssuerOptions{
		Keyring: s.keyring,
		Gate:    s.gate,
		Argon2:  hash.Params{Memory: cheapMemory, Time: cheapTime, Threads: cheapThreads},
	})
	if err != nil {
		return nil, err
	}
	v, err := s.newVerifier()
	if err != nil {
		return nil, err
	}
	s.verifier.Store(v)
	s.service, err = sts.NewService(s.store, v, "https://auth.example.com", &sts.ServiceOptions{
		Audiences: []string{audience}, Keyring: s.keyring,
	})
	return s, err
}

// newVerifier returns one whose cache holds fewer keys than there are, so that it is full soon, and keys come and go
// in it.
func (s *scene) newVerifier() (*apikey.Verifier, error) {
	return apikey.NewVerifier(s.store, &apikey.VerifierOptions{
		Keyring: s.keyring, Gate: s.gate, CacheBytes: 1 << 20, LastUsedInterval: time.Second,
	})
}

func (s *scene) close() error { return errors.Join(s.verifier.Load().Close(), s.store.Close()) }

// fill makes the keys.
func (s *scene) fill(ctx context.Context) error {
	errs := make(chan error, writers)
	for _, w := range s.writers {
		go func() { errs <- w.fill(ctx) }()
	}
	var err error
	for range writers {
		err = errors.Join(err, <-errs)
	}
	return err
}

// show lets readers have a text.
func (s *scene) show(text string, random *rand.Rand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) < 4096 {
		s.texts = append(s.texts, text)
		return
	}
	s.texts[random.IntN(len(s.texts))] = text
}
