package apikey_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// busy returns a gate whose one permit is taken until the test is over, and with room for so many to wait.
func busy(t *testing.T, queue int) *hash.Gate {
	gate, err := hash.NewGate(1, queue, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	begun, over := make(chan struct{}), make(chan struct{})
	go gate.Do(context.Background(), [16]byte{}, func() { close(begun); <-over })
	<-begun
	t.Cleanup(func() { close(over) })
	return gate
}

// Who waits for a permit can go away, and the queue is bounded in length and in time.
func TestGate(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Create", "Rotate"} {
		synctest.Test(t, func(t *testing.T) {
			store := memstore.New()
			key, _ := newKey(t, newIssuer(t, store, apikey.IssuerOptions{}), apikey.CreateParams{})
			before := encoded(t, store, key)
			gate := busy(t, 1)
			issuer := newIssuer(t, store, apikey.IssuerOptions{Gate: gate})
			do := func(ctx context.Context) <-chan error {
				done := make(chan error, 1)
				go func() {
					if call == "Create" {
						_, _, err := issuer.Create(ctx, valid())
						done <- err
						return
					}
					_, _, err := issuer.Rotate(ctx, key.ID(), apikey.RotateParams{})
					done <- err
				}()
				synctest.Wait()
				return done
			}
			ctx, cancel := context.WithCancel(t.Context())
			waits := do(ctx)
			wantFailure(t, call+" into a full queue", <-do(t.Context()), apikey.ErrOverloaded, hash.ErrBusy)
			cancel()
			wantFailure(t, call+" that went away", <-waits, apikey.ErrUnavailable, context.Canceled)

			because := errors.New("the client hung up")
			ctx, end := context.WithCancelCause(t.Context())
			waits = do(ctx)
			end(because)
			err := <-waits
			wantFailure(t, call+" that was ended", err, apikey.ErrUnavailable, context.Canceled)
			wantFailure(t, call+" that was ended", err, apikey.ErrUnavailable, because)

			waits = do(t.Context())
			select {
			case err := <-waits:
				t.Errorf("%s did not wait: %v", call, err)
			default:
			}
			time.Sleep(time.Minute)
			wantFailure(t, call+" that waited a minute", <-waits, apikey.ErrOverloaded, hash.ErrBusy)
			if n, err := store.Count(t.Context(), apikey.Filter{}); n != 1 || err != nil || encoded(t, store, key) != before {
				t.Errorf("%s: %d records, %v, or the key was changed", call, n, err)
			}
		})
	}
}

// One subject's creates do not keep another's waiting behind them all.
func TestCreatesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, err := hash.NewGate(1, 100, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		hold := func(id byte) (release func()) {
			over := make(chan struct{})
			go gate.Do(context.Background(), [16]byte{id}, func() { <-over })
			synctest.Wait()
			return func() { close(over); synctest.Wait() }
		}
		store := memstore.New()
		issuer := newIssuer(t, store, apikey.IssuerOptions{Gate: gate})
		made := func() (n [2]int) {
			for i, subject := range []string{"many", "one"} {
				n[i], _ = store.Count(t.Context(), apikey.Filter{Subject: subject})
			}
			return n
		}
		first := hold(1)
		for range 20 {
			go create(t, issuer, "many", "key")
		}
		synctest.Wait()
		go create(t, issuer, "one", "key")
		synctest.Wait()
		last := hold(2)
		first() // and so one of many has its turn, and the one, and then the last, which keeps it
		if got := made(); got != [2]int{1, 1} {
			t.Errorf("after one turn each: %v, want 1 of many and the one", got)
		}
		last()
		if got := made(); got != [2]int{20, 1} {
			t.Errorf("at the end: %v", got)
		}
	})
}

// Who waits for somebody else to read the seed can go away, too; those who stay share the answer.
func TestWaitingForTheSeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the disk is on fire")
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		answer := make(chan error)
		store.before = func(call string) error {
			if call == "Value" {
				return <-answer
			}
			return nil
		}
		var waits []<-chan error
		begin := func(ctx context.Context) {
			done := make(chan error, 1)
			go func() {
				_, _, err := issuer.Create(ctx, valid())
				done <- err
			}()
			synctest.Wait()
			waits = append(waits, done)
		}
		ctx, cancel := context.WithCancel(t.Context())
		begin(t.Context())
		begin(t.Context())
		begin(ctx)
		begin(t.Context())
		cancel()
		wantFailure(t, "who went away", <-waits[2], apikey.ErrUnavailable, context.Canceled)
		begin(t.Context())
		answer <- broken // for the first
		answer <- broken // for all who came while the first was reading
		for _, i := range []int{0, 1, 3, 4} {
			wantFailure(t, "who stayed", <-waits[i], apikey.ErrUnavailable, broken)
		}
		if n := store.count("Value"); n != 2 {
			t.Errorf("a store that is down was asked %d times", n)
		}
		begin(t.Context())
		answer <- nil
		if err := <-waits[5]; err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
