package apikey_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

const (
	decade = 10 * 365 * 24 * time.Hour
	anchor = 5 * time.Millisecond // how long the wall clock may go unread
)

// While the machine is suspended the monotonic clock stands still and the wall clock goes on.
// Keys must not live longer for that: it is seen after 5 ms of use.
func TestSuspend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := apikey.NewSkew()
		begun := time.Now()
		time.Sleep(time.Hour)
		if got := clock.Now(); !got.Equal(begun.Add(time.Hour)) {
			t.Errorf("after an hour it is %v", got.Sub(begun))
		}
		for _, slept := range []time.Duration{time.Millisecond, time.Hour, decade} {
			awake := time.Now()
			clock.Set(slept)
			for range 5 {
				clock.Now() // used, but not for 5 ms
				time.Sleep(anchor / 5)
			}
			if got, want := clock.Now(), awake.Add(anchor+slept); got.Before(want) {
				t.Errorf("5 ms after a suspend of %v it is %v early", slept, want.Sub(got))
			}
			clock.Set(slept) // the new normal
		}
	})
}

// A clock that nobody asks for long is right when it is asked.
func TestSuspendUnused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := apikey.NewSkew()
		time.Sleep(anchor)
		clock.Set(time.Hour)
		if got, want := clock.Now(), time.Now().Add(time.Hour); !got.Equal(want) {
			t.Errorf("it is %v off", got.Sub(want))
		}
	})
}

// A wall clock that is set back is not followed: time goes on from where it was.
func TestSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := apikey.NewSkew()
		begun := time.Now()
		for _, ahead := range []time.Duration{-time.Millisecond, -time.Hour, -decade, -7 * decade} {
			clock.Set(ahead)
			time.Sleep(time.Minute)
			if got, want := clock.Now(), begun.Add(time.Since(begun)); !got.Equal(want) {
				t.Errorf("set back by %v it is %v off", ahead, got.Sub(want))
			}
		}
		// Set forward and back again it stays ahead, by what it once was.
		clock.Set(time.Hour)
		time.Sleep(anchor)
		clock.Now()
		clock.Set(0)
		time.Sleep(time.Minute)
		if got, want := clock.Now(), time.Now().Add(time.Hour); !got.Equal(want) {
			t.Errorf("set forward and back it is %v off", got.Sub(want))
		}
	})
}

// Whatever is done to the wall clock, time never goes back, and goes on at least as fast as it does.
func TestG4_ClockNeverGoesBack(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	synctest.Test(t, func(t *testing.T) {
		clock := apikey.NewSkew()
		last, asked := clock.Now(), time.Now()
		for step := range 5000 {
			switch r.IntN(4) {
			case 0:
				clock.Set(time.Duration(r.Int64N(int64(2*decade))) - decade)
			case 1:
				clock.Set(time.Duration(r.Int64N(int64(time.Second))))
			}
			time.Sleep(time.Duration(r.Int64N(int64(3 * anchor))))
			now := clock.Now()
			if passed := time.Since(asked); now.Sub(last) < passed {
				t.Fatalf("seed %d, step %d: %v passed, and it went on by %v", seed, step, passed, now.Sub(last))
			}
			if now.Before(time.Now()) {
				t.Fatalf("seed %d, step %d: %v behind the true time", seed, step, time.Since(now))
			}
			last, asked = now, time.Now()
		}
	})
}

// Nor for one who asks after another was told.
func TestClockIsOneForAll(t *testing.T) {
	t.Parallel()
	clock := apikey.NewSkew()
	var told atomic.Int64
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 20_000 {
				if r.IntN(100) == 0 {
					clock.Set(time.Duration(r.Int64N(int64(2*time.Hour))) - time.Hour)
				}
				before := told.Load()
				now := clock.Now().UnixNano()
				if now < before {
					t.Errorf("another was told %v more", time.Duration(before-now))
					return
				}
				for seen := before; now > seen && !told.CompareAndSwap(seen, now); {
					seen = told.Load()
				}
			}
		})
	}
	wg.Wait()
}

// What an Issuer does goes by that clock: a suspend ends what has ended meanwhile, and a clock
// that is set back revives nothing and makes no id that is older than one before.
func TestG4_IssuerGoesByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
		clock := apikey.NewSkew()
		clock.Use(issuer)
		first, _ := newKey(t, issuer, apikey.CreateParams{ExpiresIn: time.Hour})
		listed := func(want int) {
			t.Helper()
			time.Sleep(anchor)
			if got := ids(t, issuer, apikey.Query{}); len(got) != want {
				t.Errorf("%d keys are valid, want %d", len(got), want)
			}
		}
		listed(1)
		clock.Set(time.Hour - time.Second)
		listed(1)
		clock.Set(time.Hour)
		listed(0)
		clock.Set(-decade)
		listed(0)
		second, _ := newKey(t, issuer, apikey.CreateParams{ExpiresIn: time.Hour})
		if second.ID() <= first.ID() || !second.CreatedAt().After(first.CreatedAt().Add(time.Hour)) {
			t.Errorf("created at %v, the one before at %v", second.CreatedAt(), first.CreatedAt())
		}
		if at, ok := second.ExpiresAt(); !ok || !at.Equal(second.CreatedAt().Add(time.Hour)) {
			t.Errorf("created at %v, expires at %v", second.CreatedAt(), at)
		}
		revoked, err := issuer.Revoke(t.Context(), second.ID(), apikey.RevokeParams{})
		if at, ok := revoked.RevokedAt(); err != nil || !ok || at.Before(second.CreatedAt()) {
			t.Errorf("revoked at %v, %v", at, err)
		}
	})
}
