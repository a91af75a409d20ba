package sts_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// slow is a store whose reads take a while, and heed the context.
type slow struct {
	*memstore.Store
	mu    sync.Mutex
	read  time.Duration // of a record
	log   time.Duration
	reads int
}

func (s *slow) take(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slow) times() (read, log time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read, s.log
}

func (s *slow) set(read, log time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read, s.log, s.reads = read, log, 0
}

func (s *slow) Get(ctx context.Context, id apikey.ID) (*apikey.Record, error) {
	s.mu.Lock()
	s.reads++
	s.mu.Unlock()
	read, _ := s.times()
	if err := s.take(ctx, read); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, id)
}

func (s *slow) Changes(ctx context.Context, within time.Duration) ([]apikey.Logged, error) {
	_, log := s.times()
	if err := s.take(ctx, log); err != nil {
		return nil, err
	}
	return s.Store.Changes(ctx, within)
}

// Thousands of deaths at once, on a store that takes longer to read them than a verifier waits: what was read is not
// lost, and nobody is refused for long.
func TestManyDeathsOnASlowStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{TTL: 15 * time.Minute})
		elsewhere, _ := f.remote(t, sts.VerifierOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "before", elsewhere, token)
		const deaths = 5000
		var last *apikey.Key
		for i := range deaths {
			last, text = f.Create(t, apikey.CreateParams{Name: fmt.Sprint(i)})
			if i < deaths-1 {
				if _, err := f.Issuer.Revoke(t.Context(), last.ID(), apikey.RevokeParams{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		doomed := f.exchange(t, text, sts.ExchangeParams{})
		if _, err := f.Issuer.Revoke(t.Context(), last.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		store.set(time.Millisecond, 10*time.Millisecond)
		start := time.Now()
		for time.Since(start) < 3*time.Minute {
			wantAlive(t, "a bystander", elsewhere, token)
			time.Sleep(250 * time.Millisecond)
		}
		wantDead(t, "the last", elsewhere, doomed, apikey.ErrRevoked)
		store.mu.Lock()
		defer store.mu.Unlock()
		if store.reads > deaths+100 {
			t.Errorf("%d reads of %d records", store.reads, deaths)
		}
	})
}

// A list that takes a while to make is made for all who wait, and not for each of them.
func TestManyWaitForTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{})
		f.listed(t)
		store.set(0, 500*time.Millisecond)
		time.Sleep(time.Second)
		var wg sync.WaitGroup
		for i := range 300 { // a hundred a second
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				start := time.Now()
				if w := f.get("/oauth/revocations"); w.Code != http.StatusOK {
					t.Error(w.Code)
				}
				if took := time.Since(start); took > time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
		wg.Wait()
	})
}

// A call of the store that is lost, for somebody who waits for ever, keeps others from the list, and from the keys, for a
// while and not longer. Whoever goes away takes nothing from those who wait.
func TestLostCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slow{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{})
		f.listed(t)
		time.Sleep(time.Second)
		store.set(0, 24*time.Hour)
		go f.get("/oauth/revocations")
		synctest.Wait()
		store.set(0, 0)
		time.Sleep(11 * time.Second)
		f.listed(t)

		store.set(0, 200*time.Millisecond)
		ctx, cancel := context.WithCancel(t.Context())
		time.Sleep(time.Second)
		go f.serve(httptest.NewRequest("GET", "/oauth/revocations", nil).WithContext(ctx))
		synctest.Wait()
		answered := make(chan int)
		go func() { answered <- f.get("/oauth/revocations").Code }()
		synctest.Wait()
		cancel()
		if code := <-answered; code != http.StatusOK {
			t.Errorf("%d, as somebody else went away", code)
		}
	})
}

// A disk that is full when the next signing key is to be stored ends nothing.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &readOnly{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1), TTL: 15 * time.Minute})
		_, text := f.Create(t, apikey.CreateParams{})
		first := kid(t, f.exchange(t, text, sts.ExchangeParams{}))
		time.Sleep(23*time.Hour + 40*time.Minute)
		store.full = true
		for start := time.Now(); time.Since(start) < 2*time.Hour; time.Sleep(10 * time.Second) {
			token := f.exchange(t, text, sts.ExchangeParams{})
			wantAlive(t, "signed", f.verifier(t), token)
			if kids, _ := f.published(t); kid(t, token) != first || len(kids) != 1 {
				t.Fatalf("%q are published", kids)
			}
		}
		if store.tries > 2*60*60+10 {
			t.Errorf("%d tries in two hours", store.tries)
		}
		store.full = false
		time.Sleep(time.Second)
		known, _ := f.published(t)
		time.Sleep(15 * time.Minute)
		if k := kid(t, f.exchange(t, text, sts.ExchangeParams{})); k == first || len(known) != 2 {
			t.Errorf("%s signs, of %q", k, known)
		}
	})
}

// readOnly is a store whose values can't be written while it is full.
type readOnly struct {
	*memstore.Store
	full  bool
	tries int
}

func (s *readOnly) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if s.full {
		s.tries++
		return errors.New("no space left on device")
	}
	return s.Store.SwapValue(ctx, name, old, new)
}

// Keys that were discarded sign and verify nothing any more, even if no other could be made.
func TestDiscardedByHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &half{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		_, text := f.Create(t, apikey.CreateParams{})
		token := f.exchange(t, text, sts.ExchangeParams{})
		store.failing = true
		if err := f.service.DiscardKeys(t.Context()); !errors.Is(err, apikey.ErrUnavailable) {
			t.Fatal(err)
		}
		wantDead(t, "by keys that are discarded", f.verifier(t), token, apikey.ErrUnavailable)
		store.failing = false
		time.Sleep(time.Second)
		wantDead(t, "when there are others", f.verifier(t), token, apikey.ErrUnknown)
	})
}

// half is a store that deletes values and makes none while it fails.
type half struct {
	*memstore.Store
	failing bool
}

func (s *half) SwapValue(ctx context.Context, name string, old, new []byte) error {
	if s.failing && new != nil {
		return errors.New("no space left on device")
	}
	return s.Store.SwapValue(ctx, name, old, new)
}

// Made-up kids cost one read of the store a second, whether it answers or not.
func TestUnknownKidsHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &flaky{Store: memstore.New()}
		f := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: keyring(t, 1)})
		other := newFixture(t, nil, sts.ServiceOptions{})
		_, text := other.Create(t, apikey.CreateParams{})
		foreign := other.exchange(t, text, sts.ExchangeParams{})
		_, text = f.Create(t, apikey.CreateParams{})
		ours := f.exchange(t, text, sts.ExchangeParams{})
		here := f.verifier(t)
		for _, failing := range []bool{false, true} {
			store.fails(failing)
			for range 1000 { // 10 seconds
				wantDead(t, "a foreign one", here, foreign, apikey.ErrUnknown)
				wantAlive(t, "ours", here, ours)
				time.Sleep(10 * time.Millisecond)
			}
			if n := store.reads(); n > 11 {
				t.Errorf("%d reads in 10 seconds, failing: %v", n, failing)
			}
		}
	})
}

// Who goes away while it reads the keys takes nothing from those who stay, however often that happens.
func TestCallersWhoGoAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowValues{slow: slow{Store: memstore.New()}, value: 10 * time.Millisecond}
		f := newFixture(t, &apikeytest.Options{Store: store.Store}, sts.ServiceOptions{})
		_, text := f.Create(t, apikey.CreateParams{})
		if _, err := f.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		service, err := sts.NewService(store, f.Verifier, issuer, &sts.ServiceOptions{Keyring: keyring(t, 1), Audiences: []string{audience}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 50 {
			short, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			wg.Go(func() { service.Ready(short) })
			synctest.Wait()
			wg.Go(func() {
				if err := service.Ready(t.Context()); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			cancel()
			if err := service.DiscardKeys(t.Context()); err != nil { // so that they are read again
				t.Fatal(err)
			}
		}
		// A call that is lost is not waited for for ever.
		service, err = sts.NewService(store, f.Verifier, issuer, &sts.ServiceOptions{Keyring: keyring(t, 1), Audiences: []string{audience}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		store.wait(24 * time.Hour)
		go service.Ready(t.Context())
		synctest.Wait()
		store.wait(0)
		time.Sleep(6 * time.Second)
		if err := service.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// slowValues is a store whose values take a while to be read.
type slowValues struct {
	slow
	value time.Duration
}

func (s *slowValues) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = d
}

func (s *slowValues) Value(ctx context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	wait := s.value
	s.mu.Unlock()
	v, err := s.Store.Value(ctx, name)
	if waited := s.take(ctx, wait); waited != nil {
		return nil, waited
	}
	return v, err
}

// A set that is being read while it is discarded is not kept, and one that could not be is.
func TestDiscardedWhileRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowValues{slow: slow{Store: memstore.New()}}
		f := newFixture(t, &apikeytest.Options{Store: store.Store}, sts.ServiceOptions{})
		service, err := sts.NewService(store, f.Verifier, issuer, &sts.ServiceOptions{Keyring: keyring(t, 1), Audiences: []string{audience}, TTL: 15 * time.Minute, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		here, err := service.Verifier("")
		if err != nil {
			t.Fatal(err)
		}
		_, text := f.Create(t, apikey.CreateParams{})
		token, err := service.Exchange(t.Context(), text, sts.ExchangeParams{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		store.wait(24 * time.Hour)
		if err := service.DiscardKeys(short); !errors.Is(err, apikey.ErrUnavailable) {
			t.Error(err)
		}
		wantAlive(t, "when it could not be looked for", here, token.Reveal())

		time.Sleep(31 * time.Second)
		store.wait(500 * time.Millisecond)
		go here.Verify(t.Context(), token.Reveal()) // reads the set
		synctest.Wait()
		store.wait(0)
		short, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond) // which ends while the reader has the turn
		defer cancel()
		if err := service.DiscardKeys(short); !errors.Is(err, apikey.ErrUnavailable) {
			t.Error(err)
		}
		time.Sleep(time.Second)
		wantDead(t, "discarded", here, token.Reveal(), apikey.ErrUnknown)
	})
}
