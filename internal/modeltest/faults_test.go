package modeltest_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// stories are what lives consist of. Each is led by itself, so that what comes last needs little before it.
var stories = []struct {
	name string
	lead func(l *life, step func(func()))
}{
	{"a key", func(l *life, step func(func())) {
		var k *mortal
		step(func() { k = l.create("a", "first") })
		step(func() { l.look(k) })
		step(func() { l.update(k, 1) })
		step(func() { l.look(k) })
		step(func() { l.rotate(k, grace) })
		step(func() { l.look(k) })
		step(func() { l.rotate(k, rotate) })
		step(func() { l.look(k) })
		step(func() { l.restart(k) })
	}},
	{"its end", func(l *life, step func(func())) {
		var k *mortal
		step(func() { k = l.create("a", "first") })
		step(func() { l.look(k) })
		step(func() { l.revoke(k, 1) })
		step(func() { l.look(k) })
		step(func() { l.revoke(k, 2) }) // the first reason stays
		step(func() { l.update(k, 3) })
		step(func() { l.rotate(k, grace) })
		step(func() { l.restart(k) })
		step(func() { l.look(k) })
		step(func() { l.remove(k) })
	}},
	{"several keys", func(l *life, step func(func())) {
		var a, b *mortal
		step(func() { a = l.create("b", "second") })
		step(func() { b = l.create("b", "third") })
		step(func() { l.look(a) })
		step(func() { l.look(b) })
		step(func() { l.list("b") })
		step(func() { l.revokeSubject("b", 4) })
	}},
	{"a key that its subject deletes", func(l *life, step func(func())) {
		var k *mortal
		step(func() { k = l.create("c", "fourth") })
		step(func() { l.look(k) })
		step(func() { l.removeOwn(k) })
		step(func() { l.list("c") })
	}},
}

var errOutage = errors.New("an outage")

// mishap is what goes wrong with a call.
type mishap struct {
	name  string
	fault storetest.Fault // without Call
	cause error           // of the failures; nil: nothing fails
	least int             // so many calls fail: all but those whose failure is nobody's, or but few
}

func held(context.Context) {} // to be replaced by what happens meanwhile

func mishaps() []*mishap {
	return []*mishap{
		{name: "it fails", fault: storetest.Fault{Err: errOutage}, cause: errOutage, least: 80},
		{name: "it is done, and fails", fault: storetest.Fault{Err: errOutage, After: true}, cause: errOutage, least: 80},
		{name: "others revoke before it", fault: storetest.Fault{Hold: held}},
		{name: "others revoke before it returns", fault: storetest.Fault{Hold: held, After: true}},
		{name: "the caller leaves before it", fault: storetest.Fault{Cancel: storetest.CancelBefore}, cause: context.Canceled, least: 80},
		{name: "the caller leaves meanwhile", fault: storetest.Fault{Cancel: storetest.CancelDuring}, cause: context.Canceled},
		{name: "the caller leaves after it", fault: storetest.Fault{Cancel: storetest.CancelAfter}, cause: context.Canceled, least: 10},
		{name: "the caller leaves before it returns", fault: storetest.Fault{Cancel: storetest.CancelAfter, After: true, Err: context.Canceled},
			cause: context.Canceled, least: 80},
	}
}

// opening opens the store for the n-th life of a story.
type opening func(t *testing.T, n int) apikey.Store

// eachCall leads each life once for each call of the store, in which that is the one that goes wrong, until there
// is no such call. It returns what was found wrong, how many calls there were, and how many failed.
func eachCall(t *testing.T, open opening, s setup, m *mishap) (wrong []string, calls, failures int) {
	for _, story := range stories {
		for n := 1; ; n++ {
			fault := &storetest.Fault{Call: n, After: m.fault.After, Err: m.fault.Err, Hold: m.fault.Hold, Cancel: m.fault.Cancel}
			l := newLife(t, open(t, n), fmt.Sprintf("%s %s %d ", t.Name(), story.name, n), s, fault, m.cause)
			story.lead(l, l.step)
			for _, w := range l.end() {
				wrong = append(wrong, fmt.Sprintf("%s, call %d: %s", story.name, n, w))
			}
			failures += l.failures
			if fault.Calls() < n {
				break
			}
			calls++
		}
	}
	return wrong, calls, failures
}

// I5: whatever goes wrong with whichever call of the store, nothing is accepted that is not valid, nothing is
// refused that is, each change that failed says so, and what failed succeeds when it is tried again.
func TestEveryStoreCallFailing(t *testing.T) {
	keyring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	plain := setup{}
	signed := setup{issuer: apikey.IssuerOptions{Keyring: keyring}, verifier: apikey.VerifierOptions{Keyring: keyring}}
	signing := setup{verifier: apikey.VerifierOptions{Keyring: keyring}} // it writes, too
	required := signed
	required.verifier.RequireMAC = true
	brief := func(s setup) setup { s.after = 8; return s }

	for _, c := range []struct {
		name  string
		open  func(t *testing.T) opening // when the test begins
		setup setup
	}{
		{"memory", memory, plain},
		{"memory, signed", memory, brief(signed)},
		{"memory, signing", memory, brief(signing)},
		{"memory, signed or refused", memory, brief(required)},
		{"memory, not watched", unwatched, brief(plain)},
		{"bbolt", bolt, brief(signing)},
		{"PostgreSQL", postgres, brief(signing)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			open := c.open(t)
			for _, m := range mishaps() {
				t.Run(m.name, func(t *testing.T) {
					t.Parallel()
					wrong, calls, failures := eachCall(t, open, c.setup, m)
					for _, w := range wrong {
						t.Error(w)
					}
					if calls < 90 || failures < m.least {
						t.Errorf("%d calls went wrong, and %d failed", calls, failures)
					}
					t.Logf("%d calls went wrong, %d failed", calls, failures)
				})
			}
		})
	}
}

func memory(*testing.T) opening {
	return func(*testing.T, int) apikey.Store { return memstore.New() }
}

func unwatched(*testing.T) opening {
	return func(*testing.T, int) apikey.Store { return bare{memstore.New()} }
}

// bolt opens a file for each of the first lives, so that the seed is made, too, and one for all others.
func bolt(t *testing.T) opening {
	open := func(t *testing.T, _ int) apikey.Store {
		store, err := boltstore.Open(filepath.Join(t.TempDir(), "keys"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	shared := open(t, 0)
	return func(t *testing.T, n int) apikey.Store {
		if n < 4 {
			return open(t, n)
		}
		return shared
	}
}

func postgres(t *testing.T) opening {
	dsn, schema := pgtest.Schema(t)
	store := openStore(t, dsn, &pgstore.Options{Schema: schema, Migrate: true}, nil)
	return func(*testing.T, int) apikey.Store { return store }
}
