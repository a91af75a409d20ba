package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// The network loses all packets, so nothing fails, and nothing comes back. Callers wait for as long as they said they would.
func TestSwallowedPackets(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proxy := pgtest.NewProxy(t, p.dsn)
	issuing, verifying := p.open(pgstore.Options{}), p.openAt(proxy.DSN(), pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 20)
	cold := tr.cold(t)
	proxy.Swallow(true)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), faultPoll)
	defer cancel()
	_, err := tr.patient.Verify(ctx, cold.text)
	wantUnavailable(t, "a cold key", err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cold key: %v, want the end of its context as the cause", err)
	}
	t.Logf("a caller who waits for %v had its answer after %v", faultPoll, time.Since(began))
	for range 5 {
		tr.mustRevoke(t)
	}
	if _, err := tr.patient.Verify(t.Context(), tr.keys[0].text); err != nil {
		t.Errorf("a warm key, within MaxStaleness: %v", err)
	}
	tr.pastBound(t)
	for _, k := range tr.keys {
		ctx, cancel := context.WithTimeout(t.Context(), faultPoll)
		_, err := tr.verifier.Verify(ctx, k.text)
		cancel()
		wantUnavailable(t, "after MaxStaleness", err)
	}
	proxy.Swallow(false)
	t.Logf("warm again after %v", tr.settle(t))
	tr.refused(t, tr.mustRevoke(t))
}

// A caller without a deadline, as one is who serves a request without one, must not keep others from what it waits for, once the
// network is well again, nor wait for ever itself.
func TestSwallowedPacketsOfThePatient(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proxy := pgtest.NewProxy(t, p.dsn)
	issuing, verifying := p.open(pgstore.Options{}), p.openAt(proxy.DSN(), pgstore.Options{Poll: faultPoll})
	tr := newTraffic(t, issuing, verifying, 0)
	var cold []*askedKey
	for range 12 { // more than the pool has connections
		cold = append(cold, tr.cold(t))
	}
	reads := tr.patient.Stats().StoreReads
	proxy.Swallow(true)
	answers := make(chan error, len(cold))
	for _, k := range cold {
		go func() {
			_, err := tr.patient.Verify(context.WithoutCancel(t.Context()), k.text)
			answers <- err
		}()
	}
	waitFor(t, "they wait", func() bool { return tr.patient.Stats().StoreReads == reads+uint64(len(cold)) })
	proxy.Swallow(false)
	began := time.Now()
	// Or at the latest when the network is cut, so that no test hangs.
	t.Cleanup(proxy.Cut)
	tr.settle(t)
	for _, k := range cold { // else one that waits for an answer that was lost keeps a key out for good
		waitFor(t, "another caller is answered, when the network is well", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := tr.patient.Verify(ctx, k.text)
			return err == nil
		})
	}
	for range cold {
		select {
		case err := <-answers:
			if err != nil {
				wantUnavailable(t, "a patient caller", err)
			}
		case <-time.After(tooLong):
			t.Fatal("a caller whose answer was lost waits for ever")
		}
	}
	t.Logf("all had an answer after %v", time.Since(began))
}

// A store can be closed while nothing comes back.
func TestCloseAmongSwallowedPackets(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proxy := pgtest.NewProxy(t, p.dsn)
	s := p.openAt(proxy.DSN(), pgstore.Options{Poll: faultPoll})
	createKeys(t, s, 0, 1)
	told := watch(t, s)
	proxy.Swallow(true)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), faultPoll)
		if _, err := s.Get(ctx, keyID(0)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a read: %v", err)
		}
		cancel()
	}
	told.forget()
	began := time.Now()
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(tooLong):
		t.Error("Close waits for a server that does not answer")
	}
	t.Logf("closed after %v", time.Since(began))
	if !anyGap(told.sofar()) {
		t.Error("no Gap, else what was read before is trusted for as long as MaxStaleness")
	}
}
