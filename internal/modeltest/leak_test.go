package modeltest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// slow is a Store of which one kind of call takes until its context or the test ends it.
type slow struct {
	*memstore.Store
	get, replace, use bool
	begun             chan struct{} // one element for each call
	end               chan struct{}
}

func (s *slow) wait(ctx context.Context) error {
	s.begun <- struct{}{}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.end:
		return nil
	}
}

func (s *slow) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	if s.get {
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
	return s.Store.Get(ctx, id)
}

func (s *slow) Replace(ctx context.Context, r *apikey.Record) error {
	if s.replace {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return s.Store.Replace(ctx, r)
}

func (s *slow) RecordUse(ctx context.Context, uses []apikey.Use) error {
	if s.use {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return s.Store.RecordUse(ctx, uses)
}

// flight is a Verifier with calls under way.
type flight struct {
	t      *testing.T
	store  *slow
	keys   *apikeytest.Keys
	text   string
	gate   *hash.Gate
	ctx    context.Context
	cancel context.CancelFunc
	errs   chan error
}

func takeOff(t *testing.T, store *slow, cost, rehash hash.Params, interval time.Duration) *flight {
	store.Store, store.begun, store.end = memstore.New(), make(chan struct{}, 100), make(chan struct{})
	gate, err := hash.NewGate(1, 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f := &flight{t: t, store: store, gate: gate, errs: make(chan error, 100)}
	f.keys = apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Argon2: cost},
		Verifier: apikey.VerifierOptions{Gate: gate, Rehash: rehash, LastUsedInterval: interval}})
	_, f.text = f.keys.Create(t, apikey.CreateParams{})
	f.ctx, f.cancel = context.WithCancel(t.Context())
	t.Cleanup(f.cancel)
	return f
}

// verify has n callers verify the key.
func (f *flight) verify(ctx context.Context, n int) {
	for range n {
		go func() {
			_, err := f.keys.Verifier.Verify(ctx, f.text)
			f.errs <- err
		}()
	}
}

// land waits for n callers and returns how many were accepted. None may be told that the key is
// bad.
func (f *flight) land(n int) (accepted int) {
	f.t.Helper()
	for range n {
		switch err := <-f.errs; {
		case err == nil:
			accepted++
		case !errors.Is(err, apikey.ErrUnavailable):
			f.t.Errorf("Verify: %v, want nil or ErrUnavailable", err)
		}
	}
	return accepted
}

func (f *flight) close() {
	f.t.Helper()
	if err := f.keys.Verifier.Close(); err != nil {
		f.t.Errorf("Close: %v", err)
	}
	if _, err := f.keys.Verifier.Verify(f.t.Context(), f.text); !errors.Is(err, apikey.ErrUnavailable) {
		f.t.Errorf("Verify after Close: %v, want ErrUnavailable", err)
	}
}

// stacks are those of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// until yields until it is so.
func until(is func() bool) {
	for !is() {
		runtime.Gosched()
	}
}

// TestCloseLeavesNoGoroutine: whatever is under way when a Verifier is closed ends. It is not
// parallel, so that the goroutines are its own.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	tiny := apikeytest.Params()
	for name, test := range map[string]func(t *testing.T){
		"idle": func(t *testing.T) {
			takeOff(t, new(slow), tiny, hash.Params{}, 0).close()
		},
		"argon2 queued": func(t *testing.T) {
			f := takeOff(t, new(slow), tiny, hash.Params{}, 0)
			busy, free := make(chan struct{}), make(chan struct{})
			go f.gate.Do(t.Context(), [16]byte{}, func() { close(busy); <-free })
			<-busy
			f.verify(t.Context(), 3)
			until(func() bool { return f.gate.Stats().Queued == 1 })
			f.close()
			close(free)
			if f.land(3) != 0 {
				t.Error("argon2 ran for callers who were queued when the Verifier was closed")
			}
		},
		"argon2 queued and the callers gone": func(t *testing.T) {
			f := takeOff(t, new(slow), tiny, hash.Params{}, 0)
			busy, free := make(chan struct{}), make(chan struct{})
			go f.gate.Do(t.Context(), [16]byte{}, func() { close(busy); <-free })
			<-busy
			f.verify(f.ctx, 3)
			until(func() bool { return f.gate.Stats().Queued == 1 })
			f.cancel()
			f.land(3)
			until(func() bool { return f.gate.Stats().Queued == 0 })
			f.close()
			close(free)
		},
		"argon2 running": func(t *testing.T) {
			f := takeOff(t, new(slow), hash.Params{Memory: 32 << 10, Time: 4, Threads: 1}, hash.Params{}, 0)
			f.verify(t.Context(), 2)
			f.verify(f.ctx, 2)
			until(func() bool { return f.keys.Verifier.Stats().Argon2Runs == 1 })
			f.cancel()
			f.close()
			if strings.Contains(stacks(), "argon2.IDKey(") {
				t.Error("Close returned while argon2 still ran")
			}
			f.land(4)
		},
		"a costlier hash being stored": func(t *testing.T) {
			f := takeOff(t, &slow{replace: true}, tiny, hash.Params{Memory: 16, Time: 1, Threads: 1}, 0)
			f.verify(t.Context(), 2)
			<-f.store.begun
			f.close()
			f.land(2)
		},
		"a record being read": func(t *testing.T) {
			f := takeOff(t, &slow{get: true}, tiny, hash.Params{}, 0)
			f.verify(f.ctx, 3)
			<-f.store.begun
			f.close()
			f.cancel()
			f.land(3)
		},
		"a last use not yet due": func(t *testing.T) {
			f := takeOff(t, new(slow), tiny, hash.Params{}, time.Hour)
			f.verify(t.Context(), 1)
			f.land(1)
			f.close()
			if n := f.keys.Verifier.Stats().LastUsedWrites; n != 1 {
				t.Errorf("%d last uses were written, want 1", n)
			}
		},
		"a last use being written": func(t *testing.T) {
			f := takeOff(t, &slow{use: true}, tiny, hash.Params{}, time.Millisecond)
			f.verify(t.Context(), 1)
			f.land(1)
			<-f.store.begun
			closed := make(chan struct{})
			go func() { f.close(); close(closed) }()
			close(f.store.end)
			<-closed
			if n := f.keys.Verifier.Stats().LastUsedWrites; n != 1 {
				t.Errorf("%d last uses were written, want 1", n)
			}
		},
		"many callers, and two who close": func(t *testing.T) {
			f := takeOff(t, new(slow), tiny, hash.Params{}, time.Millisecond)
			f.verify(t.Context(), 30)
			go func() { f.close(); f.errs <- nil }()
			f.verify(f.ctx, 30)
			f.cancel()
			f.close()
			f.land(61)
		},
	} {
		t.Run(name, func(t *testing.T) {
			test(t)
			goleak.VerifyNone(t)
		})
	}
}
