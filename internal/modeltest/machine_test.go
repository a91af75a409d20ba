package modeltest_test

import (
	"errors"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// machine is an Issuer and a Verifier beside the model of them.
type machine struct {
	open     func() (apikey.Store, func() error)
	real     bool   // the time is the world's, which nobody can step: ends are far away, and known to a minute
	name     string // begins all subjects: other machines may share the store
	signed   bool   // every credential has a MAC
	keyring  *apikey.Keyring
	close    func() error // the store
	issuer   *apikey.Issuer
	verifier *apikey.Verifier
	keys     []*modelKey
}

// subject draws an owner of keys.
func (m *machine) subject(t *rapid.T) string {
	return m.name + rapid.SampledFrom([]string{"user_1", "user_2"}).Draw(t, "subject")
}

// someone draws who makes a change: an Issuer for all keys, "", or one for a subject's.
func (m *machine) someone(t *rapid.T) string {
	if rapid.Bool().Draw(t, "for all") {
		return ""
	}
	return m.subject(t)
}

func (m *machine) as(subject string) *apikey.Issuer {
	if subject == "" {
		return m.issuer
	}
	return m.issuer.ForSubject(subject)
}

// now is what a record can hold: whole milliseconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// is compares an end with the model's, which has the time at which a call began.
func (m *machine) is(end, want time.Time) bool {
	if m.real && !end.IsZero() && !want.IsZero() {
		return end.Sub(want).Abs() < time.Minute
	}
	return end.Equal(want)
}

// start begins a process, with a keyring or without. Nothing requires MACs where there may be none.
func (m *machine) start(t *rapid.T) {
	var store apikey.Store
	store, m.close = m.open()
	signing := m.signed || rapid.Bool().Draw(t, "the Issuer has a keyring")
	issuer := &apikey.IssuerOptions{Argon2: apikeytest.Params()}
	if signing {
		issuer.Keyring = m.keyring
	}
	verifier := &apikey.VerifierOptions{CacheBytes: 1 << 16, RequireMAC: m.signed && rapid.Bool().Draw(t, "MACs are required")}
	if verifier.RequireMAC || rapid.Bool().Draw(t, "the Verifier has a keyring") {
		verifier.Keyring = m.keyring
	}
	var err error
	if m.issuer, err = apikey.NewIssuer(store, issuer); err != nil {
		t.Fatal(err)
	}
	if m.verifier, err = apikey.NewVerifier(store, verifier); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) stop(t *rapid.T) {
	if err := errors.Join(m.verifier.Close(), m.close()); err != nil {
		t.Fatal(err)
	}
}

// Restart closes everything, and with it goes all that was cached; the store keeps what it has.
func (m *machine) Restart(t *rapid.T) {
	m.stop(t)
	m.start(t)
}

func (m *machine) Create(t *rapid.T) {
	if len(m.keys) == 4 {
		t.Skip("enough keys: more must happen to each")
	}
	k := &modelKey{subject: m.subject(t)}
	as := m.someone(t)
	in := m.drawLife(t)
	if in > 0 {
		k.expires = now().Add(in)
	}
	key, secret, err := m.as(as).Create(t.Context(), apikey.CreateParams{Subject: k.subject, Name: "machine", ExpiresIn: in})
	if as != "" && as != k.subject {
		m.want(t, err, apikey.ErrNotFound)
		return
	}
	m.want(t, err, nil)
	k.id, k.secrets = key.ID(), []modelSecret{{text: secret.Reveal()}}
	m.keys = append(m.keys, k)
}

// drawLife draws how long something lives: 0, or seconds, some of which a Sleep will meet.
func (m *machine) drawLife(t *rapid.T) time.Duration {
	seconds := []int{0, 1, 5, 1000, 1000}
	if m.real {
		seconds = []int{0, 1000}
	}
	return time.Duration(rapid.SampledFrom(seconds).Draw(t, "seconds")) * time.Second
}

func (m *machine) draw(t *rapid.T) *modelKey {
	if len(m.keys) == 0 {
		t.Skip("no key")
	}
	return rapid.SampledFrom(m.keys).Draw(t, "key")
}

// Rotate rotates as often as it takes to have more secrets than may be alive at once.
func (m *machine) Rotate(t *rapid.T) {
	k, as := m.draw(t), m.someone(t)
	for range rapid.IntRange(1, 5).Draw(t, "times") {
		grace, at := m.drawLife(t), now()
		_, secret, err := m.as(as).Rotate(t.Context(), k.id, apikey.RotateParams{Grace: grace})
		if final := k.final(as); final != nil {
			m.want(t, err, final)
			continue
		}
		if k.rotate(secret.Reveal(), grace, at) {
			m.want(t, err, nil)
			continue
		}
		var invalid *apikey.ValidationError
		if !errors.As(err, &invalid) || invalid.Field != "Grace" {
			t.Fatalf("Rotate that would make five secrets: %v", err)
		}
	}
}

func (m *machine) Update(t *rapid.T) {
	k, as := m.draw(t), m.someone(t)
	var p apikey.UpdateParams
	next, want := *k, k.final(as)
	if rapid.Bool().Draw(t, "claims") {
		next.claims = strconv.Itoa(rapid.IntRange(1, 99).Draw(t, "claim"))
		p.Claims = []byte(next.claims)
	}
	if rapid.Bool().Draw(t, "expiry") {
		in := m.drawLife(t)
		p.ExpiresIn, next.expires = &in, time.Time{}
		if in > 0 {
			next.expires = now().Add(in)
		}
	}
	if rapid.Bool().Draw(t, "move") {
		next.subject = m.subject(t)
		p.Subject = &next.subject
		if as != "" && as != next.subject {
			want = apikey.ErrNotFound
		}
	}
	_, err := m.as(as).Update(t.Context(), k.id, p)
	if m.want(t, err, want); err == nil {
		*k = next
	}
}

func (m *machine) Revoke(t *rapid.T) {
	k, as := m.draw(t), m.someone(t)
	want := k.final(as)
	if want == apikey.ErrRevokedKey {
		want = nil
	}
	_, err := m.as(as).Revoke(t.Context(), k.id, apikey.RevokeParams{})
	if m.want(t, err, want); err == nil {
		k.revoked = true
	}
}

func (m *machine) RevokeSubject(t *rapid.T) {
	subject, as := m.subject(t), m.someone(t)
	n, err := m.as(as).RevokeSubject(t.Context(), subject, apikey.RevokeParams{})
	if as != "" && as != subject {
		m.want(t, err, apikey.ErrNotFound)
		return
	}
	m.want(t, err, nil)
	for _, k := range m.keys {
		if k.final(subject) == nil {
			k.revoked = true
			n--
		}
	}
	if n != 0 {
		t.Fatalf("RevokeSubject revoked %d more keys than there were", n)
	}
}

func (m *machine) Delete(t *rapid.T) {
	k, as := m.draw(t), m.someone(t)
	want := k.final(as)
	if want == apikey.ErrRevokedKey {
		want = nil
	}
	err := m.as(as).Delete(t.Context(), k.id)
	if m.want(t, err, want); err == nil {
		k.gone = true
	}
}

// Sleep lets time pass: to the very instant of an end, or to the last one before it.
func (m *machine) Sleep(t *rapid.T) {
	if m.real {
		t.Skip("nobody can step the world's clock")
	}
	time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "seconds"))*time.Second +
		time.Duration(rapid.SampledFrom([]int{-1, 0, 1, 999_999}).Draw(t, "ns")))
}
