package apikey_test

import (
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
)

// rotation is a key, its secrets as they came, and who tells which of them live.
type rotation struct {
	*apikeytest.Keys
	t     *testing.T
	id    string
	texts []string
}

func newRotation(t *testing.T) *rotation {
	r := &rotation{Keys: apikeytest.New(t, nil), t: t}
	key, text := r.Create(t, apikey.CreateParams{})
	r.id, r.texts = key.ID(), []string{text}
	return r
}

func (r *rotation) rotate(grace time.Duration) *apikey.Key {
	r.t.Helper()
	key, secret, err := r.Issuer.Rotate(r.t.Context(), r.id, apikey.RotateParams{Grace: grace})
	if err != nil {
		r.t.Fatalf("rotate with a grace of %v: %v", grace, err)
	}
	r.texts = append(r.texts, secret.Reveal())
	if id, err := apikey.KeyID(secret.Reveal()); err != nil || id != r.id || key.ID() != r.id || key.Hint() != secret.Reveal()[:25] {
		r.t.Errorf("the new secret is %s's, %v, the key %s", id, err, state(key))
	}
	return key
}

// wantAlive checks which secrets verify, by number, newest first; the rest are unknown.
func (r *rotation) wantAlive(when string, want ...uint16) {
	r.t.Helper()
	var alive []uint16
	for i, text := range slices.Backward(r.texts) {
		key, err := r.Verifier.Verify(r.t.Context(), text)
		if err == nil {
			alive = append(alive, key.Number())
			continue
		}
		wantRejection(r.t, when, err, apikey.ErrUnknown)
		if slices.Contains(want, uint16(i+1)) {
			r.t.Errorf("%s: secret %d: %v", when, i+1, err)
		}
	}
	wantSame(r.t, when, alive, want)
	if key, err := r.Issuer.Get(r.t.Context(), r.id); err != nil || !slices.Equal(numbers(key), want) {
		r.t.Errorf("%s: Get shows %v, %v; want %v", when, numbers(key), err, want)
	}
}

func TestRotateAtOnce(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	r.wantAlive("created", 1)
	r.rotate(0)
	r.wantAlive("rotated", 2)
	r.rotate(time.Hour)
	r.wantAlive("with grace", 3, 2)
	r.rotate(0)
	r.wantAlive("without", 4)
	if n := len(stored(t, r.Store, r.id).Credentials); n != 1 {
		t.Errorf("%d credentials are kept", n)
	}
}

// A grace ends the older secrets and never lengthens what an earlier one left them.
func TestRotateGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t)
		begun := time.Now().UTC()
		ends := func(want ...time.Duration) {
			t.Helper()
			var got []time.Duration
			for _, c := range stored(t, r.Store, r.id).Credentials {
				end := time.Duration(0)
				if !c.NotAfter.IsZero() {
					end = c.NotAfter.Sub(begun)
				}
				got = append(got, end)
			}
			wantSame(t, "ends", got, want)
		}
		r.rotate(10 * time.Second)
		ends(0, 10*time.Second)
		time.Sleep(2 * time.Second)
		r.rotate(time.Hour)
		ends(0, 2*time.Second+time.Hour, 10*time.Second)
		r.rotate(3 * time.Second)
		ends(0, 5*time.Second, 5*time.Second, 5*time.Second)
		time.Sleep(3*time.Second - time.Millisecond)
		r.wantAlive("a millisecond before the end", 4, 3, 2, 1)
		key, err := r.Verifier.Verify(t.Context(), r.texts[1])
		if end, ok := key.SecretNotAfter(); err != nil || !ok || !end.Equal(begun.Add(5*time.Second)) {
			t.Errorf("the older secret says it ends at %v, %v, %v", end, ok, err)
		}
		if key, err := r.Verifier.Verify(t.Context(), r.texts[3]); err != nil {
			t.Error(err)
		} else if end, ok := key.SecretNotAfter(); ok {
			t.Errorf("the newest secret says it ends at %v", end)
		}
		time.Sleep(time.Millisecond)
		r.wantAlive("at the end", 4)
		// What is over is dropped by the next one, whatever its grace; its number is not used again.
		r.rotate(time.Hour)
		r.wantAlive("afterwards", 5, 4)
		if n := len(stored(t, r.Store, r.id).Credentials); n != 2 {
			t.Errorf("%d credentials are kept", n)
		}
		r.rotate(time.Second + 999*time.Microsecond) // which is cut, as all times are
		ends(0, 6*time.Second, 6*time.Second)
	})
}

// At most four live. The fifth changes nothing, and is possible as soon as one has ended.
func TestRotateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRotation(t)
		for _, grace := range []time.Duration{10 * time.Second, time.Hour, time.Hour} {
			r.rotate(grace)
		}
		r.wantAlive("four", 4, 3, 2, 1)
		before := stored(t, r.Store, r.id)
		for _, grace := range []time.Duration{time.Second, time.Hour, century} {
			key, secret, err := r.Issuer.Rotate(t.Context(), r.id, apikey.RotateParams{Grace: grace})
			wantInvalid(t, "the fifth", err, "Grace")
			if key != nil || secret.Reveal() != "" {
				t.Error("a key beside an error")
			}
		}
		if after := stored(t, r.Store, r.id); !reflect.DeepEqual(after, before) {
			t.Errorf("the fifth changed %+v to %+v", before, after)
		}
		r.wantAlive("still four", 4, 3, 2, 1)
		time.Sleep(10*time.Second - time.Millisecond)
		_, _, err := r.Issuer.Rotate(t.Context(), r.id, apikey.RotateParams{Grace: time.Hour})
		wantInvalid(t, "a millisecond too early", err, "Grace")
		time.Sleep(time.Millisecond)
		r.rotate(time.Hour)
		r.wantAlive("one has ended", 5, 4, 3, 2)
		r.rotate(0)
		r.wantAlive("without grace there is always room", 6)
	})
}

func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	before := stored(t, r.Store, r.id)
	for what, grace := range badLifetimes {
		_, _, err := r.Issuer.Rotate(t.Context(), r.id, apikey.RotateParams{Grace: grace})
		wantInvalid(t, what, err, "Grace")
	}
	r.wantAlive("after refusals", 1)
	if _, err := r.Issuer.Revoke(t.Context(), r.id, apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	_, secret, err := r.Issuer.Rotate(t.Context(), r.id, apikey.RotateParams{})
	wantError(t, "a revoked key", err, apikey.ErrRevokedKey)
	if after := stored(t, r.Store, r.id); secret.Reveal() != "" || len(after.Credentials) != 1 || after.Credentials[0].Hash != before.Credentials[0].Hash {
		t.Errorf("the revoked key has %+v", after.Credentials)
	}
}

// Expired keys can be rotated, and are as expired as before.
func TestRotateExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		key, _ := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Second})
		time.Sleep(time.Second)
		_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = keys.Verifier.Verify(t.Context(), secret.Reveal())
		wantError(t, "a new secret of an expired key", err, apikey.ErrExpired)
	})
}

// Numbers are never used again, up to the last; then the key has had its day.
func TestRotateNumbers(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	key, err := r.Issuer.Get(t.Context(), r.id)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, r.Store, key, func(r *apikey.Record) { r.Credentials[0].Number = 65533 })
	wantSame(t, "numbers", numbers(r.rotate(time.Hour)), []uint16{65534, 65533})
	wantSame(t, "numbers", numbers(r.rotate(0)), []uint16{65535})
	last, err := r.Verifier.Verify(t.Context(), r.texts[2])
	if err != nil || last.Number() != 65535 {
		t.Errorf("the last secret: %v, %v", last, err)
	}
	before := encoded(t, r.Store, key)
	for _, grace := range []time.Duration{0, time.Hour} {
		_, _, err = r.Issuer.Rotate(t.Context(), r.id, apikey.RotateParams{Grace: grace})
		wantInvalid(t, "one more", err, "id")
	}
	if encoded(t, r.Store, key) != before {
		t.Error("the key was changed")
	}
}

// Those who rotate at once each get a secret of its own number, and the last one's is alive.
func TestRotateConcurrently(t *testing.T) {
	t.Parallel()
	r := newRotation(t)
	other := newIssuer(t, r.Store, apikey.IssuerOptions{})
	const times = 16
	texts := make([]string, times+1)
	texts[0] = r.texts[0]
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range times {
		wg.Go(func() {
			_, secret, err := []*apikey.Issuer{r.Issuer, other}[n%2].Rotate(t.Context(), r.id, apikey.RotateParams{})
			if err != nil {
				t.Error(err)
				return
			}
			token, _ := apikey.ParseText(secret.Reveal())
			mu.Lock()
			defer mu.Unlock()
			if number := token.Tag >> 48; number > times+1 || texts[number-1] != "" {
				t.Errorf("number %d was given twice", number)
			} else {
				texts[number-1] = secret.Reveal()
			}
		})
	}
	wg.Wait()
	r.texts = texts
	r.wantAlive("at the end", times+1)
}

// A rotation that has to try again, because somebody changed the key, hashes no second time.
func TestRotateHashesOnce(t *testing.T) {
	t.Parallel()
	store := newHooked()
	gate, err := hash.NewGate(1, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	issuer := newIssuer(t, store, apikey.IssuerOptions{Gate: gate})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	runs := gate.Stats().Runs
	conflicts := 0
	store.before = func(call string) error {
		if call == "Replace" && conflicts < 3 {
			conflicts++
			return apikey.ErrConflict
		}
		return nil
	}
	_, secret, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil || conflicts != 3 {
		t.Fatal(err, conflicts)
	}
	if n := gate.Stats().Runs - runs; n != 1 {
		t.Errorf("%d hashes", n)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	if _, err := keys.Verifier.Verify(t.Context(), secret.Reveal()); err != nil {
		t.Error(err)
	}
}
