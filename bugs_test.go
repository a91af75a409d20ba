package apikey_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Number 0 means "no credential" inside; a thief of the seed can sign it, and gets nothing.
func TestNumberZero(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{})
	seed, err := keys.Store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	forged := apikey.ForgeNumber(seed, text, 0)
	for name, f := range map[string]func(context.Context, string) (*apikey.Key, error){
		"Verify": keys.Verifier.Verify, "Recognize": keys.Verifier.Recognize} {
		_, err := f(t.Context(), forged)
		wantRejection(t, name, err, apikey.ErrUnknown)
	}
	_, err = keys.Verifier.Verify(t.Context(), apikey.ForgeNumber(seed, text, 2))
	wantRejection(t, "a number that is not there", err, apikey.ErrUnknown)
	if n := keys.Verifier.Stats().Argon2Runs; n != 0 {
		t.Errorf("argon2 ran %d times", n)
	}
}

// Nothing that stands in the store may test a guess faster than the slow hash: so no stored
// field but the hash may depend on the secret.
func TestNothingStoredDependsOnTheSecret(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text := keys.Create(t, apikey.CreateParams{})
	c := stored(t, store, key.ID()).Credentials[0]
	if c.Hint != text[:25] || c.Hint != key.Hint() || c.MAC != nil {
		t.Errorf("hint %q of %s", c.Hint, key.ID())
	}
	seed, err := store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	if other := apikey.Forge(seed, text, [24]byte{9}); other[:25] != c.Hint {
		t.Error("another secret has another hint")
	}
}

// A failure is never a rejection, whatever somebody put into a cause or returned from Check.
func TestFailuresAreNoRejections(t *testing.T) {
	t.Parallel()
	var answer error
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{
		Check: func(context.Context, *apikey.Key) error { return answer }}})
	_, text := keys.Create(t, apikey.CreateParams{})
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("stream ended: %w", apikey.ErrRevoked))
	_, err := keys.Verifier.Verify(ended, text)
	wantFailure(t, "a context whose cause is a rejection", err, apikey.ErrUnavailable, context.Canceled)
	_, _, err = keys.Issuer.Create(ended, apikey.CreateParams{Subject: "u", Name: "n"})
	wantFailure(t, "Create with it", err, apikey.ErrUnavailable, context.Canceled)
	answer = fmt.Errorf("%w: %w", apikey.ErrUnavailable, apikey.ErrDenied)
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantFailure(t, "Check", err, apikey.ErrUnavailable, nil)
	answer = hash.ErrBusy
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantFailure(t, "Check", err, apikey.ErrOverloaded, hash.ErrBusy)
	answer = apikey.ErrExpired
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "Check says another rejection", err, apikey.ErrDenied)
}

// If the store can't be made to tell of what another process did, the caller gets no clean answer.
func TestAnnouncementsThatFail(t *testing.T) {
	t.Parallel()
	store := &mutePolled{polled: polled{Store: memstore.New(), heartbeat: time.Millisecond}}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	gone, _ := keys.Create(t, apikey.CreateParams{})
	revoked, _ := keys.Create(t, apikey.CreateParams{})
	elsewhere := apikeytest.New(t, &apikeytest.Options{Store: store.polled.Store})
	if err := elsewhere.Issuer.Delete(t.Context(), gone.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	store.mute.Store(true)
	_, err := keys.Issuer.Revoke(t.Context(), gone.ID(), apikey.RevokeParams{})
	wantFailure(t, "Revoke", err, apikey.ErrUnavailable, errDown)
	wantFailure(t, "Delete", keys.Issuer.Delete(t.Context(), gone.ID()), apikey.ErrUnavailable, errDown)
	_, err = keys.Issuer.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{})
	wantFailure(t, "Revoke again", err, apikey.ErrUnavailable, errDown)
	_, err = keys.Issuer.Update(t.Context(), revoked.ID(), apikey.UpdateParams{Scopes: []string{}})
	wantFailure(t, "Update", err, apikey.ErrUnavailable, errDown)
}

type mutePolled struct {
	polled
	mute atomic.Bool
}

func (m *mutePolled) Replace(ctx context.Context, r *apikey.Record) error {
	if m.mute.Load() {
		return errDown
	}
	return m.polled.Replace(ctx, r)
}

// One key that can't be revoked does not keep the others of its subject alive.
func TestRevokeSubjectGoesOn(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	var texts []string
	for range 3 {
		_, text := keys.Create(t, apikey.CreateParams{Subject: "u"})
		texts = append(texts, text)
	}
	bad := stored(t, store, mustID(t, texts[1]))
	failing := &failingFor{Store: store, Watcher: store, id: bad.ID}
	issuer := apikeytest.New(t, &apikeytest.Options{Store: failing}).Issuer
	n, err := issuer.RevokeSubject(t.Context(), "u", apikey.RevokeParams{})
	wantFailure(t, "RevokeSubject", err, apikey.ErrUnavailable, errDown)
	if n != 2 {
		t.Errorf("%d revoked, want 2", n)
	}
	for i, text := range texts {
		if _, err := keys.Verifier.Verify(t.Context(), text); errors.Is(err, apikey.ErrRevoked) != (i != 1) {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

func mustID(t *testing.T, text string) string {
	t.Helper()
	id, err := apikey.KeyID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

type failingFor struct {
	apikey.Store
	apikey.Watcher
	id apikey.ID
}

func (f *failingFor) Replace(ctx context.Context, r *apikey.Record) error {
	if r.ID == f.id {
		return errDown
	}
	return f.Store.Replace(ctx, r)
}

// A store whose writes hang keeps nobody for longer than is said.
func TestHangingWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := memstore.New()
		store := &hanging{Store: inner, Watcher: inner}
		keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Keyring: ringOf(t, 1)}})
		key, text := keys.Create(t, apikey.CreateParams{})
		store.hangs.Store(true)
		start := time.Now()
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil || time.Since(start) > time.Second {
			t.Errorf("Verify took %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start = time.Now()
		_, err := keys.Issuer.Update(ctx, key.ID(), apikey.UpdateParams{})
		if wantFailure(t, "Update", err, apikey.ErrUnavailable, context.DeadlineExceeded); time.Since(start) > 5*time.Second {
			t.Errorf("Update took %v", time.Since(start))
		}
		start = time.Now()
		err = keys.Verifier.Close()
		if wantFailure(t, "Close", err, apikey.ErrUnavailable, nil); time.Since(start) > 5*time.Second {
			t.Errorf("Close took %v", time.Since(start))
		}
		if again := keys.Verifier.Close(); again != err {
			t.Errorf("Close again: %v", again)
		}
	})
}

type hanging struct {
	apikey.Store
	apikey.Watcher
	hangs atomic.Bool
}

func (h *hanging) Replace(ctx context.Context, r *apikey.Record) error {
	if h.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Replace(ctx, r)
}

func (h *hanging) RecordUse(ctx context.Context, uses []apikey.Use) error {
	if h.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.RecordUse(ctx, uses)
}

// Odd option values are answered, not paid for.
func TestOddOptions(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: math.MaxInt64}})
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Error(err)
	}
	var invalid *apikey.ValidationError
	if _, err := apikey.NewVerifier(keys.Store, &apikey.VerifierOptions{Keyring: new(apikey.Keyring)}); !errors.As(err, &invalid) || invalid.Field != "Keyring" {
		t.Error(err)
	}
	if _, err := apikey.NewIssuer(keys.Store, &apikey.IssuerOptions{Keyring: new(apikey.Keyring)}); !errors.As(err, &invalid) || invalid.Field != "Keyring" {
		t.Error(err)
	}
}

// A record that no Replace could ever match is a fault, not an endless loop.
func TestVersionZero(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, _ := keys.Create(t, apikey.CreateParams{})
	r := stored(t, store, key.ID())
	r.Version = 0
	issuer := apikeytest.New(t, &apikeytest.Options{Store: &nonsense{store, r}}).Issuer
	_, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{})
	wantFailure(t, "Revoke", err, apikey.ErrUnavailable, nil)
}

// A rejection is not taken back: when somebody was refused because of news that the feed has not
// told yet, a slower call does not make the key warm with the older state.
func TestRejectionsAreNotTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := memstore.New()
		feed := &polled{Store: inner, heartbeat: time.Millisecond}
		gate, err := hash.NewGate(1, 10, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		keys := apikeytest.New(t, &apikeytest.Options{Store: feed, Verifier: apikey.VerifierOptions{MaxStaleness: time.Hour, Gate: gate}})
		elsewhere := apikeytest.New(t, &apikeytest.Options{Store: inner})
		key, text := keys.Create(t, apikey.CreateParams{})
		feed.tell(apikey.Change{Gap: true, Fresh: time.Now()})

		busy := make(chan struct{})
		go gate.Do(t.Context(), [16]byte{}, func() { <-busy })
		synctest.Wait()
		slow := make(chan error)
		go func() { _, err := keys.Verifier.Verify(t.Context(), text); slow <- err }()
		synctest.Wait() // it has read the record and waits for argon2
		if _, err := elsewhere.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		_, err = keys.Verifier.Lookup(t.Context(), key.ID())
		wantRejection(t, "who reads the news", err, apikey.ErrRevoked)
		close(busy)
		<-slow
		_, err = keys.Verifier.Verify(t.Context(), text)
		wantRejection(t, "who comes after", err, apikey.ErrRevoked)
	})
}

// Each range over Keys walks from the start.
func TestKeysTwice(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	for range 10 {
		keys.Create(t, apikey.CreateParams{})
	}
	walk := keys.Issuer.Keys(t.Context(), apikey.Query{Limit: 2})
	var first []string
	for round := range 2 {
		var got []string
		for key, err := range walk {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, key.ID()); len(got) == 3 {
				break
			}
		}
		if round == 0 {
			first = got
		} else if !slices.Equal(got, first) {
			t.Errorf("the second walk began at another key: %v, %v", got, first)
		}
	}
}

// A Keyring held by value prints no key either, also with verbs that don't fit.
func TestKeyringByValue(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 171)
	holder := struct{ ring apikey.Keyring }{*ring}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, v := range []any{*ring, holder, reflect.ValueOf(*ring), ring} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, "171 171") || strings.Contains(out, "abab") || strings.Contains(out, "\xab\xab") || strings.Contains(out, `\xab\xab`) {
				t.Errorf("%s of %T prints %.80s", verb, v, out)
			}
		}
	}
}

// A record of thousands of empty credentials is refused before they are made.
func TestManyCredentials(t *testing.T) {
	t.Parallel()
	r := &apikey.Record{Version: 1, Credentials: make([]apikey.Credential, 64)}
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := new(apikey.Record).UnmarshalBinary(data); err != nil {
		t.Error(err)
	}
	r.Credentials = append(r.Credentials, apikey.Credential{})
	if _, err := r.MarshalBinary(); err == nil {
		t.Error("65 were encoded")
	}
	body := append(bytes.Clone(data[:len(data)-4]), 20, 0)
	body = binary.BigEndian.AppendUint32(body, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	if err := new(apikey.Record).UnmarshalBinary(body); err == nil {
		t.Error("65 were read")
	}
}
