package apikey_test

import (
	"context"
	"errors"
	"hash/crc32"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// default hashes make a run long enough for others to come in the middle of it.
func slowKeys(t *testing.T, o apikeytest.Options) *apikeytest.Keys {
	o.Issuer.Argon2 = hash.Default()
	return apikeytest.New(t, &o)
}

// Argon2 runs once for a cold secret, however many present it at once.
func TestArgon2RunsOnce(t *testing.T) {
	t.Parallel()
	keys := slowKeys(t, apikeytest.Options{})
	_, text := keys.Create(t, apikey.CreateParams{})
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if s := keys.Verifier.Stats(); s.Argon2Runs != 1 || s.Accepted != 1000 {
		t.Errorf("%+v", s)
	}
}

// Also not a second time for one who missed what was remembered, and comes when the first run
// has just ended.
func TestArgon2RunsOnceWhenRaced(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	const rounds = 2000
	for range rounds {
		_, text := keys.Create(t, apikey.CreateParams{})
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if n := keys.Verifier.Stats().Argon2Runs; n != rounds {
		t.Errorf("%d runs for %d secrets", n, rounds)
	}
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if matched, err := keys.Verifier.MatchAgain(t.Context(), text); !matched || err != nil {
		t.Error(matched, err)
	}
	if n := keys.Verifier.Stats().Argon2Runs; n != rounds+1 {
		t.Error("it was hashed again")
	}
}

// Forged keys with good checksums, half of them naming a real id, reach neither the store
// (but for its seed, once) nor argon2; nor do secrets that were rotated away reach argon2.
func TestArgon2NeverRunsForForgeries(t *testing.T) {
	t.Parallel()
	store := count(memstore.New())
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	_, text := keys.Create(t, apikey.CreateParams{})
	values := store.values.Load() // the Issuer's
	var wg sync.WaitGroup
	for i := range 1000 {
		id := text[:25] // the prefix and the id
		if i%2 == 1 {
			id = "ak_" + strings.Repeat("0", 18) + digitsOf(i, 4)
		}
		forged := withChecksum(id + digitsOf(i, 33) + text[58:69])
		wg.Go(func() {
			_, err := keys.Verifier.Verify(t.Context(), forged)
			if err != apikey.ErrUnknown {
				t.Errorf("a forged key: %v", err)
			}
		})
	}
	wg.Wait()
	if s := keys.Verifier.Stats(); s.Argon2Runs != 0 || s.Unknown != 1000 || s.StoreReads != 1 || store.gets.Load() != 0 || store.values.Load() != values+1 {
		t.Errorf("%+v, %d gets, %d values", s, store.gets.Load(), store.values.Load())
	}

	key, old := keys.Create(t, apikey.CreateParams{})
	if _, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{}); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		wg.Go(func() {
			_, err := keys.Verifier.Verify(t.Context(), old)
			if !errors.Is(err, apikey.ErrUnknown) {
				t.Errorf("a rotated secret: %v", err)
			}
		})
	}
	wg.Wait()
	if s := keys.Verifier.Stats(); s.Argon2Runs != 0 || s.Unknown != 2000 {
		t.Errorf("%+v", s)
	}
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func digitsOf[N int | uint32](n N, width int) string {
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		out[i] = base62[n%62]
		n /= 62
	}
	return string(out)
}

// withChecksum completes the text of a key.
func withChecksum(body string) string {
	return body + digitsOf(crc32.ChecksumIEEE([]byte(body)), 6)
}

// Every bit of the secret and of the tag counts.
func TestForgedBits(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	for word := 3; word < 69; word += 11 {
		var value uint64
		for i := range 11 {
			value = value*62 + uint64(strings.IndexByte(base62, text[word+i]))
		}
		for bit := range 64 {
			forged := make([]byte, 11)
			for i, v := 10, value^1<<bit; i >= 0; i-- {
				forged[i] = base62[v%62]
				v /= 62
			}
			_, err := keys.Verifier.Verify(t.Context(), withChecksum(text[:word]+string(forged)+text[word+11:69]))
			if err != apikey.ErrUnknown { // bare: it was the tag that refused it
				t.Errorf("bit %d of the word at %d: %v", bit, word, err)
			}
		}
	}
	if s := keys.Verifier.Stats(); s.StoreReads != 2 {
		t.Errorf("forgeries reached the store: %+v", s)
	}
}

// The permit belongs to the work: a thousand callers who leave in mid-hash make room for nothing.
func TestA6_CallersWhoLeave(t *testing.T) {
	t.Parallel()
	gate, err := hash.NewGate(1, 2000, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	keys := slowKeys(t, apikeytest.Options{Verifier: apikey.VerifierOptions{Gate: gate}})
	var texts []string
	for range 4 {
		_, text := keys.Create(t, apikey.CreateParams{})
		texts = append(texts, text)
	}
	peak := make(chan int)
	stop := make(chan struct{})
	go func() {
		most := 0
		for {
			select {
			case <-stop:
				peak <- most
				return
			default:
				most = max(most, gate.Stats().Running)
				runtime.Gosched()
			}
		}
	}()
	var wg sync.WaitGroup
	for i := range 1000 {
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			_, err := keys.Verifier.Verify(ctx, texts[i%len(texts)])
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for gate.Stats().Running == 0 && gate.Stats().Runs < uint64(len(texts)) {
				runtime.Gosched()
			}
			cancel()
		})
	}
	wg.Wait()
	close(stop)
	if most := <-peak; most > 1 {
		t.Errorf("%d hashes at once with one permit", most)
	}
	for _, text := range texts {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

// behindBusyGate returns a key that nobody can hash, in a synctest bubble, until busy is closed.
func behindBusyGate(t *testing.T) (keys *apikeytest.Keys, gate *hash.Gate, text string, busy chan struct{}) {
	t.Helper()
	gate, err := hash.NewGate(1, 10, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	keys = apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Gate: gate}})
	_, text = keys.Create(t, apikey.CreateParams{})
	busy = make(chan struct{})
	go gate.Do(t.Context(), [16]byte{}, func() { <-busy })
	synctest.Wait()
	return keys, gate, text, busy
}

// One caller who leaves takes nothing from the others who wait for the same secret, and when
// all have left while it was queued, nothing is hashed.
func TestQueuedWorkWithoutCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, gate, text, busy := behindBusyGate(t)

		ctx, leave := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := keys.Verifier.Verify(ctx, text); errs <- err }()
		synctest.Wait()
		leave()
		wantFailure(t, "the one who left", <-errs, apikey.ErrUnavailable, context.Canceled)
		synctest.Wait()
		if s := gate.Stats(); s.Queued != 0 {
			t.Errorf("%d queued for nobody", s.Queued)
		}

		ctx, leave = context.WithCancel(t.Context())
		go func() { _, err := keys.Verifier.Verify(ctx, text); errs <- err }()
		stays := make(chan error)
		synctest.Wait()
		go func() { _, err := keys.Verifier.Verify(t.Context(), text); stays <- err }()
		synctest.Wait()
		leave()
		wantFailure(t, "the one who left", <-errs, apikey.ErrUnavailable, context.Canceled)
		close(busy)
		if err := <-stays; err != nil {
			t.Errorf("the one who stayed: %v", err)
		}
		if n := keys.Verifier.Stats().Argon2Runs; n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

// Work that everybody left while it was queued is not begun, so who comes next has the only run.
func TestLeftWorkIsNotBegun(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	const rounds = 6000
	for range rounds {
		_, text := keys.Create(t, apikey.CreateParams{})
		before := keys.Verifier.Stats().Argon2Runs
		ctx, leave := context.WithCancel(t.Context())
		go leave()
		_, _ = keys.Verifier.Verify(ctx, text)
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
		if n := keys.Verifier.Stats().Argon2Runs - before; n != 1 {
			t.Fatalf("argon2 ran %d times", n)
		}
	}
}

// A full queue refuses at once, and not as a rejection.
func TestOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, err := hash.NewGate(1, 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Gate: gate}})
		_, text := keys.Create(t, apikey.CreateParams{})
		busy := make(chan struct{})
		for range 2 {
			go gate.Do(t.Context(), [16]byte{1}, func() { <-busy })
		}
		synctest.Wait()
		start := time.Now()
		_, err = keys.Verifier.Verify(t.Context(), text)
		wantFailure(t, "full", err, apikey.ErrOverloaded, hash.ErrBusy)
		if time.Since(start) != 0 {
			t.Error("it waited")
		}
		if s := keys.Verifier.Stats(); s.Overloaded != 1 || s.Argon2Refusals != 1 || s.Argon2Waits != 1 {
			t.Errorf("%+v", s)
		}
		close(busy)
	})
}

// Close ends what is queued and waits for what runs.
func TestCloseDuringArgon2(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys, _, text, busy := behindBusyGate(t)
		result := make(chan error)
		go func() { _, err := keys.Verifier.Verify(t.Context(), text); result <- err }()
		synctest.Wait()
		keys.Verifier.Close()
		err := <-result
		if wantFailure(t, "queued at Close", err, apikey.ErrUnavailable, nil); errors.Is(err, context.Canceled) {
			t.Error("nobody canceled, and it says so")
		}
		close(busy)
	})
}

// A secret may be tested against a hash only where its tag is true: also for a thief of the
// seed, who has to pass the hash all the same.
func TestSeedThief(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	seed, err := keys.Store.Value(t.Context(), "seed")
	if err != nil || len(seed) != 32 {
		t.Fatalf("seed: %d bytes, %v", len(seed), err)
	}
	forged := apikey.Forge(seed, text, [24]byte{1, 2, 3})
	_, err = keys.Verifier.Verify(t.Context(), forged)
	wantRejection(t, "a true tag and a wrong secret", err, apikey.ErrUnknown)
	if n := keys.Verifier.Stats().Argon2Runs; n != 1 {
		t.Errorf("argon2 ran %d times: was it the tag that was refused?", n)
	}
}
