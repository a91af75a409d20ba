package pgstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

const (
	faultPoll  = 50 * time.Millisecond
	faultBound = 500 * time.Millisecond // MaxStaleness
	alwaysLive = 4                      // keys that nobody tries to revoke
)

// traffic is an Issuer on one Store, and a Verifier on another, whom callers never stop asking about all keys. It fails the test
// if a key is accepted that was revoked for longer than the bound, or refused though nobody tried to revoke it.
type traffic struct {
	testing.TB
	issuing, verifying *pgstore.Store
	issuer             *apikey.Issuer
	verifier           *apikey.Verifier
	patient            *apikey.Verifier // on the same Store, with a bound that no fault here outlasts
	base               time.Time
	keys               []*askedKey
	revoked            int // the next is keys[alwaysLive+revoked]

	asking                            sync.RWMutex // shared by who asks
	accepted, unavailable, violations atomic.Int64
}

// askedKey has instants after base.
type askedKey struct {
	id, text                string
	attempted, acknowledged atomic.Int64
}

func newTraffic(t testing.TB, issuing, verifying *pgstore.Store, revocations int) *traffic {
	t.Helper()
	secret := make([]byte, 32)
	rand.Read(secret)
	ring, err := apikey.NewKeyring(secret)
	if err != nil {
		t.Fatal(err)
	}
	tr := &traffic{TB: t, issuing: issuing, verifying: verifying, base: time.Now()}
	issuer := apikeytest.New(t, &apikeytest.Options{Store: issuing, Issuer: apikey.IssuerOptions{Keyring: ring}})
	tr.issuer = issuer.Issuer
	issuer.Verifier.Close() // so that nobody watches there
	tr.verifier = verifierOn(t, verifying, ring, faultBound)
	tr.patient = verifierOn(t, verifying, ring, 10*time.Minute)
	for range alwaysLive + revocations {
		tr.keys = append(tr.keys, tr.cold(t))
	}
	tr.settle(t)
	tr.start()
	return tr
}

func verifierOn(t testing.TB, s apikey.Store, ring *apikey.Keyring, staleness time.Duration) *apikey.Verifier {
	t.Helper()
	v, err := apikey.NewVerifier(s, &apikey.VerifierOptions{Keyring: ring, MaxStaleness: staleness, LastUsedInterval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// cold makes a key that nobody asks about.
func (tr *traffic) cold(t testing.TB) *askedKey {
	t.Helper()
	key, secret, err := tr.issuer.Create(t.Context(), apikey.CreateParams{Subject: "user_1", Name: "key"})
	if err != nil {
		t.Fatal(err)
	}
	return &askedKey{id: key.ID(), text: secret.Reveal()}
}

func (tr *traffic) start() {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				tr.asking.RLock()
				tr.ask(ctx, tr.keys[n%len(tr.keys)])
				tr.asking.RUnlock()
				<-tick.C
			}
		})
	}
	tr.Cleanup(func() {
		stop()
		wg.Wait()
		tr.Logf("%d accepted, %d unavailable", tr.accepted.Load(), tr.unavailable.Load())
	})
}

// ask verifies a key, and judges the answer.
func (tr *traffic) ask(ctx context.Context, k *askedKey) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	acknowledged := k.acknowledged.Load()
	began := time.Since(tr.base)
	_, err := tr.verifier.Verify(ctx, k.text)
	switch {
	case err == nil:
		tr.accepted.Add(1)
		if late := began - time.Duration(acknowledged) - faultBound; acknowledged != 0 && late > 0 && tr.violations.Add(1) < 5 {
			tr.Errorf("key %s was accepted %v after MaxStaleness had passed since its revocation returned", k.id, late)
		}
	case errors.Is(err, apikey.ErrRejected):
		if k.attempted.Load() == 0 && tr.violations.Add(1) < 5 {
			tr.Errorf("key %s, which nobody tried to revoke, was refused: %v", k.id, err)
		}
	case errors.Is(err, apikey.ErrUnavailable), errors.Is(err, apikey.ErrOverloaded):
		tr.unavailable.Add(1)
	default:
		tr.Errorf("an error of no kind: %v", err)
	}
	return err
}

// revoke revokes the next key.
func (tr *traffic) revoke(ctx context.Context) (*askedKey, error) {
	k := tr.keys[alwaysLive+tr.revoked]
	tr.revoked++
	return k, tr.revokeKey(ctx, k)
}

func (tr *traffic) revokeKey(ctx context.Context, k *askedKey) error {
	k.attempted.Store(int64(time.Since(tr.base)))
	_, err := tr.issuer.Revoke(ctx, k.id, apikey.RevokeParams{})
	if err == nil {
		k.acknowledged.Store(int64(time.Since(tr.base)))
	}
	return err
}

func (tr *traffic) mustRevoke(t testing.TB) *askedKey {
	t.Helper()
	k, err := tr.revoke(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// refused waits until a key is refused as revoked.
func (tr *traffic) refused(t testing.TB, k *askedKey) {
	t.Helper()
	waitFor(t, "a revoked key is refused", func() bool { return errors.Is(tr.ask(t.Context(), k), apikey.ErrRevoked) })
}

// settle waits until all is as if there had been no fault, and returns how long it took: keys that nobody tried to revoke are accepted
// and warm again, and each whose revocation was acknowledged is dead.
func (tr *traffic) settle(t testing.TB) time.Duration {
	t.Helper()
	tr.asking.Lock() // others' reads would count
	defer tr.asking.Unlock()
	began := time.Now()
	for _, v := range []*apikey.Verifier{tr.verifier, tr.patient} {
		waitFor(t, "verifications succeed again, from memory", func() bool {
			before := v.Stats().StoreReads
			for _, k := range tr.keys {
				if k.attempted.Load() != 0 {
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := v.Verify(ctx, k.text)
				cancel()
				if errors.Is(err, apikey.ErrRejected) {
					t.Fatalf("a key that nobody tried to revoke is refused: %v", err)
				}
				if err != nil {
					return false
				}
			}
			return v.Stats().StoreReads == before
		})
	}
	took := time.Since(began)
	for _, k := range tr.keys {
		if k.acknowledged.Load() != 0 {
			tr.refused(t, k)
		}
	}
	if all := time.Since(began); all > took+time.Second {
		t.Logf("what has to be read could be read after %v", all)
	}
	return took
}

// pastBound waits until whatever was accepted without a look at the store can't be any more.
func (tr *traffic) pastBound(t testing.TB) {
	t.Helper()
	since := time.Now()
	waitFor(t, "MaxStaleness passes", func() bool { return time.Since(since) > faultBound })
}

// wantUnavailable fails t unless an answer is a failure of the system.
func wantUnavailable(t testing.TB, when string, err error) {
	t.Helper()
	if !errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrRejected) {
		t.Errorf("%s: %v, want ErrUnavailable", when, err)
	}
}
