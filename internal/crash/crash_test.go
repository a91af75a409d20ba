package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// TestMain is also the main of the children.
func TestMain(m *testing.M) {
	if asChild(brokenStores) {
		return
	}
	os.Exit(m.Run())
}

func testCampaign(t *testing.T, broken string) *campaign {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c := newCampaign(seed, t.TempDir(), func() *exec.Cmd { return exec.CommandContext(t.Context(), os.Args[0]) })
	c.broken = broken
	return c
}

func TestKill(t *testing.T) {
	t.Parallel()
	c := testCampaign(t, "")
	for range 12 {
		if err := c.cycle(t.Context()); err != nil {
			t.Fatalf("cycle %d: %v", c.cycles, err)
		}
	}
	t.Log(c.summary())
}

// TestBrokenStores is the control: what loses something is caught.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	for name := range brokenStores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := testCampaign(t, name)
			for range 50 {
				err := c.cycle(t.Context())
				if errors.Is(err, errLost) {
					t.Logf("cycle %d: %v", c.cycles, err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			t.Error("nothing was found in 50 cycles")
		})
	}
}

var brokenStores = map[string]func(*boltstore.Store) apikey.Store{
	"late":                func(s *boltstore.Store) apikey.Store { return &lateStore{Store: s} },
	"forgets creates":     func(s *boltstore.Store) apikey.Store { return &forgetfulStore{Store: s, creates: true} },
	"forgets rotations":   func(s *boltstore.Store) apikey.Store { return &forgetfulStore{Store: s, rotations: true} },
	"forgets revocations": func(s *boltstore.Store) apikey.Store { return &forgetfulStore{Store: s, revocations: true} },
	"forgets deletes":     func(s *boltstore.Store) apikey.Store { return &forgetfulStore{Store: s, deletes: true} },
}

// forgetfulStore acknowledges what it does not store.
type forgetfulStore struct {
	*boltstore.Store
	creates, rotations, revocations, deletes bool
}

func (s *forgetfulStore) Create(ctx context.Context, r *apikey.Record) error {
	if s.creates {
		return nil
	}
	return s.Store.Create(ctx, r)
}

func (s *forgetfulStore) Replace(ctx context.Context, r *apikey.Record) error {
	if revoking := !r.RevokedAt.IsZero(); r.Version > 0 && (revoking && s.revocations || !revoking && s.rotations) {
		return nil
	}
	return s.Store.Replace(ctx, r)
}

func (s *forgetfulStore) Delete(ctx context.Context, id apikey.ID) error {
	if s.deletes {
		return nil
	}
	return s.Store.Delete(ctx, id)
}

// lateStore acknowledges a write before it is made, which is at the next call: the process sees no
// difference until it is killed.
type lateStore struct {
	*boltstore.Store
	mu   sync.Mutex
	late func() error
}

func (s *lateStore) next(write func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.late != nil {
		if err := s.late(); err != nil {
			return err
		}
	}
	s.late = write
	return nil
}

func (s *lateStore) Create(ctx context.Context, r *apikey.Record) error {
	ctx, r = context.WithoutCancel(ctx), r.Clone()
	return s.next(func() error { return s.Store.Create(ctx, r) })
}

func (s *lateStore) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	if err := s.next(nil); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}

func (s *lateStore) Replace(ctx context.Context, r *apikey.Record) error {
	if r.Version == 0 { // which never writes
		return s.Store.Replace(ctx, r)
	}
	ctx, r = context.WithoutCancel(ctx), r.Clone()
	return s.next(func() error { return s.Store.Replace(ctx, r) })
}

func (s *lateStore) Delete(ctx context.Context, id apikey.ID) error {
	ctx = context.WithoutCancel(ctx) // which may have ended by then
	return s.next(func() error { return s.Store.Delete(ctx, id) })
}
