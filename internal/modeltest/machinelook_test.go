package modeltest_test

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/internal/pgtest"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/pgstore"
)

// Check presents every secret that ever was, to a cache that may have it and to one that has, and lists all keys.
func (m *machine) Check(t *rapid.T) {
	for _, subject := range []string{m.name + "user_1", m.name + "user_2"} {
		m.list(t, m.issuer, apikey.Query{Subject: subject}, subject)
		m.list(t, m.issuer.ForSubject(subject), apikey.Query{IncludeInvalid: true, Limit: 1}, subject)
	}
	for _, k := range m.keys {
		_, err := m.verifier.Lookup(t.Context(), k.id)
		m.want(t, err, k.verify(modelSecret{}, time.Now()))
		for i, s := range k.secrets {
			for _, look := range []struct {
				at   func(context.Context, string) (*apikey.Key, error)
				want func(modelSecret, time.Time) error
			}{{m.verifier.Verify, k.verify}, {m.verifier.Verify, k.verify}, {m.verifier.Recognize, k.recognize}} {
				key, err := look.at(t.Context(), s.text)
				if m.want(t, err, look.want(s, time.Now())); err == nil {
					m.same(t, key, k, i)
				}
				_, err = look.at(t.Context(), forge(s.text))
				m.want(t, err, apikey.ErrUnknown)
			}
		}
	}
}

// list compares what is listed and counted of a subject with the model's keys.
func (m *machine) list(t *rapid.T, i *apikey.Issuer, q apikey.Query, subject string) {
	want := idsWhere(m.keys, func(k *modelKey) bool {
		return k.subject == subject && !k.gone && (q.IncludeInvalid || k.verify(modelSecret{}, time.Now()) == nil)
	})
	var got []string
	for key, err := range i.Keys(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key.ID())
	}
	if n, err := i.Count(t.Context(), q); err != nil || n != len(want) || !slices.Equal(got, want) {
		t.Fatalf("listed %v and counted %d, %v, want %v", got, n, err, want)
	}
}

// same compares a key that was accepted with the model's.
func (m *machine) same(t *rapid.T, key *apikey.Key, k *modelKey, secret int) {
	expires, _ := key.ExpiresAt()
	dead, _ := key.SecretNotAfter()
	if key.ID() != k.id || key.Subject() != k.subject || string(key.Claims()) != k.claims || int(key.Number()) != secret+1 ||
		!m.is(expires, k.expires) || !m.is(dead, k.secrets[secret].dead) || len(key.Credentials()) != k.alive(time.Now()) {
		t.Fatalf("secret %d shows %+v, want %+v", secret+1, key, k)
	}
}

func (m *machine) want(t *rapid.T, err, want error) {
	t.Helper()
	if want == nil && err != nil || !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	rejected := slices.Contains([]error{apikey.ErrUnknown, apikey.ErrRevoked, apikey.ErrExpired}, want)
	if errors.Is(err, apikey.ErrRejected) != rejected {
		t.Fatalf("error %v is a rejection: %v, want %v", err, !rejected, rejected)
	}
}

// reopening opens a store again and again; what it returns last closes it.
type reopening func() (apikey.Store, func() error)

func newMachine(t *rapid.T, open reopening) *machine {
	keyring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &machine{open: open, keyring: keyring, signed: rapid.Bool().Draw(t, "all are signed")}
}

func (m *machine) run(t *rapid.T) {
	m.start(t)
	defer func() { m.stop(t) }()
	t.Repeat(rapid.StateMachineActions(m))
}

// runMachine has the time stand still but for Sleep.
func runMachine(t *testing.T, open func(t *rapid.T) reopening) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) { newMachine(t, open(t)).run(t) })
	})
}

// fewer has rapid make a part of its checks, where each takes long.
func fewer(t *testing.T, part int) {
	checks := flag.Lookup("rapid.checks").Value
	asked := checks.String()
	t.Cleanup(func() { checks.Set(asked) })
	if n, _ := strconv.Atoi(asked); n > part {
		checks.Set(strconv.Itoa(n / part))
	}
}

func TestMachineOnMemstore(t *testing.T) {
	runMachine(t, func(t *rapid.T) reopening {
		var store apikey.Store = memstore.New()
		if rapid.Bool().Draw(t, "not watched") {
			store = bare{store}
		}
		return func() (apikey.Store, func() error) { return store, func() error { return nil } }
	})
}

func TestMachineOnBoltstore(t *testing.T) {
	fewer(t, 4) // each write is synced to disk
	dir, files := t.TempDir(), 0
	runMachine(t, func(t *rapid.T) reopening {
		files++
		path := filepath.Join(dir, strconv.Itoa(files))
		return func() (apikey.Store, func() error) {
			store, err := boltstore.Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			return store, store.Close
		}
	})
}

// PostgreSQL has a clock of its own, which does not stand still. So nothing ends here by itself.
func TestMachineOnPostgreSQL(t *testing.T) {
	dsn, schema := pgtest.Schema(t)
	fewer(t, 20)
	machines := 0
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t, func() (apikey.Store, func() error) {
			store, err := pgstore.Open(t.Context(), dsn, &pgstore.Options{Schema: schema, Migrate: true})
			if err != nil {
				t.Fatal(err)
			}
			return store, store.Close
		})
		machines++
		m.name, m.real = strconv.Itoa(machines)+"_", true
		m.run(t)
	})
}
