package modeltest_test

import (
	"bytes"
	"errors"
	"flag"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// modelKey is a key as the model has it.
type modelKey struct {
	id      string
	subject string
	claims  []byte
	expires time.Time // zero: never
	revoked bool
	gone    bool
	secrets []modelSecret // all that ever were, oldest first
}

type modelSecret struct {
	text string
	dead time.Time // from when on; zero: not
}

func over(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// verify is the model: what Verify must answer to a secret.
func (k *modelKey) verify(s modelSecret, now time.Time) error {
	switch {
	case k.gone:
		return apikey.ErrUnknown
	case k.revoked:
		return apikey.ErrRevoked
	case over(k.expires, now):
		return apikey.ErrExpired
	case over(s.dead, now):
		return apikey.ErrUnknown
	}
	return nil
}

// final is how a change of the key ends that the key is too dead for.
func (k *modelKey) final() error {
	switch {
	case k.gone:
		return apikey.ErrNotFound
	case k.revoked:
		return apikey.ErrRevokedKey
	}
	return nil
}

// machine is an Issuer and a Verifier beside the model of them.
type machine struct {
	open     func() (apikey.Store, func() error)
	close    func() error // the store
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	keys     []*modelKey
}

// now is what a record can hold: whole milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (m *machine) start(t *rapid.T) {
	var store apikey.Store
	store, m.close = m.open()
	var err error
	if m.issuer, err = apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: apikeytest.Params()}); err != nil {
		t.Fatal(err)
	}
	if m.verifier, err = apikey.NewVerifier(store, &apikey.VerifierOptions{CacheBytes: 1 << 16}); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) stop(t *rapid.T) {
	if err := errors.Join(m.verifier.Close(), m.close()); err != nil {
		t.Fatal(err)
	}
}

// Restart closes everything; the store keeps what it has.
func (m *machine) Restart(t *rapid.T) {
	m.stop(t)
	m.start(t)
}

func (m *machine) Create(t *rapid.T) {
	if len(m.keys) == 4 {
		t.Skip("enough keys: more must happen to each")
	}
	k := &modelKey{subject: rapid.SampledFrom([]string{"user_1", "user_2"}).Draw(t, "subject")}
	in := m.drawLife(t)
	if in > 0 {
		k.expires = now().Add(in)
	}
	key, secret, err := m.issuer.Create(t.Context(), apikey.CreateParams{Subject: k.subject, Name: "machine", ExpiresIn: in})
	if err != nil {
		t.Fatal(err)
	}
	k.id, k.secrets = key.ID(), []modelSecret{{text: secret.Reveal()}}
	m.keys = append(m.keys, k)
}

// drawLife draws how long something lives: 0, or seconds, some of which a Sleep will meet.
func (m *machine) drawLife(t *rapid.T) time.Duration {
	return time.Duration(rapid.SampledFrom([]int{0, 1, 5, 1000, 1000}).Draw(t, "seconds")) * time.Second
}

func (m *machine) draw(t *rapid.T) *modelKey {
	if len(m.keys) == 0 {
		t.Skip("no key")
	}
	return rapid.SampledFrom(m.keys).Draw(t, "key")
}

// Rotate rotates as often as it takes to have more secrets than may be alive at once.
func (m *machine) Rotate(t *rapid.T) {
	k := m.draw(t)
	for range rapid.IntRange(1, 5).Draw(t, "times") {
		m.rotate(t, k, m.drawLife(t))
	}
}

func (m *machine) rotate(t *rapid.T, k *modelKey, grace time.Duration) {
	_, secret, err := m.issuer.Rotate(t.Context(), k.id, apikey.RotateParams{Grace: grace})
	alive := 0
	for _, s := range k.secrets {
		if grace > 0 && !over(s.dead, now()) {
			alive++
		}
	}
	var invalid *apikey.ValidationError
	switch final := k.final(); {
	case final != nil:
		m.want(t, err, final)
		return
	case alive >= 4:
		if !errors.As(err, &invalid) || invalid.Field != "Grace" {
			t.Fatalf("Rotate with %d secrets alive: %v", alive, err)
		}
		return
	}
	m.want(t, err, nil)
	for i := range k.secrets {
		s := &k.secrets[i]
		if end := now().Add(grace); s.dead.IsZero() || s.dead.After(end) {
			s.dead = end
		}
	}
	k.secrets = append(k.secrets, modelSecret{text: secret.Reveal()})
}

func (m *machine) Update(t *rapid.T) {
	k := m.draw(t)
	var p apikey.UpdateParams
	claims, expires, subject := k.claims, k.expires, k.subject
	if rapid.Bool().Draw(t, "claims") {
		claims = strconv.AppendInt(nil, int64(rapid.IntRange(1, 99).Draw(t, "claim")), 10)
		p.Claims = claims
	}
	if rapid.Bool().Draw(t, "expiry") {
		in := m.drawLife(t)
		p.ExpiresIn, expires = &in, time.Time{}
		if in > 0 {
			expires = now().Add(in)
		}
	}
	if rapid.Bool().Draw(t, "move") {
		subject = rapid.SampledFrom([]string{"user_1", "user_2"}).Draw(t, "subject")
		p.Subject = &subject
	}
	_, err := m.issuer.Update(t.Context(), k.id, p)
	m.want(t, err, k.final())
	if err == nil {
		k.claims, k.expires, k.subject = claims, expires, subject
	}
}

func (m *machine) Revoke(t *rapid.T) {
	k := m.draw(t)
	_, err := m.issuer.Revoke(t.Context(), k.id, apikey.RevokeParams{})
	if k.gone {
		m.want(t, err, apikey.ErrNotFound)
		return
	}
	m.want(t, err, nil)
	k.revoked = true
}

func (m *machine) RevokeSubject(t *rapid.T) {
	subject := rapid.SampledFrom([]string{"user_1", "user_2"}).Draw(t, "subject")
	n, err := m.issuer.RevokeSubject(t.Context(), subject, apikey.RevokeParams{})
	m.want(t, err, nil)
	for _, k := range m.keys {
		if k.subject == subject && k.final() == nil {
			k.revoked = true
			n--
		}
	}
	if n != 0 {
		t.Fatalf("RevokeSubject revoked %d more keys than there were", n)
	}
}

func (m *machine) Delete(t *rapid.T) {
	k := m.draw(t)
	err := m.issuer.Delete(t.Context(), k.id)
	if k.gone {
		m.want(t, err, apikey.ErrNotFound)
		return
	}
	m.want(t, err, nil)
	k.gone = true
}

// Sleep lets time pass: to the very instant of an end, or to the last one before it.
func (m *machine) Sleep(t *rapid.T) {
	time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "seconds"))*time.Second +
		time.Duration(rapid.SampledFrom([]int{-1, 0, 1, 999_999}).Draw(t, "ns")))
}

// Check presents every secret that ever was, to a cache that may have it and to one that has.
func (m *machine) Check(t *rapid.T) {
	for _, k := range m.keys {
		_, err := m.verifier.Lookup(t.Context(), k.id)
		m.want(t, err, k.verify(modelSecret{}, time.Now()))
		for number, s := range k.secrets {
			for range 2 {
				key, err := m.verifier.Verify(t.Context(), s.text)
				m.want(t, err, k.verify(s, time.Now()))
				if err != nil {
					continue
				}
				expires, _ := key.ExpiresAt()
				dead, _ := key.SecretNotAfter()
				if key.ID() != k.id || key.Subject() != k.subject || !bytes.Equal(key.Claims(), k.claims) ||
					!expires.Equal(k.expires) || !dead.Equal(s.dead) || int(key.Number()) != number+1 {
					t.Fatalf("Verify returned %+v, want %+v", key, k)
				}
			}
		}
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

func runMachine(t *testing.T, open func(t *rapid.T) func() (apikey.Store, func() error)) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			m := &machine{open: open(t)}
			m.start(t)
			defer func() { m.stop(t) }()
			t.Repeat(rapid.StateMachineActions(m))
		})
	})
}

func TestMachineOnMemstore(t *testing.T) {
	runMachine(t, func(*rapid.T) func() (apikey.Store, func() error) {
		store := memstore.New()
		return func() (apikey.Store, func() error) { return store, func() error { return nil } }
	})
}

func TestMachineOnBoltstore(t *testing.T) {
	// Each write is synced to disk, so there are fewer checks.
	checks := flag.Lookup("rapid.checks").Value
	asked := checks.String()
	defer checks.Set(asked)
	if n, _ := strconv.Atoi(asked); n > 4 {
		checks.Set(strconv.Itoa(n / 4))
	}

	dir, files := t.TempDir(), 0
	runMachine(t, func(t *rapid.T) func() (apikey.Store, func() error) {
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
