package apikey_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

type tenant struct{}

// CVE-2026-30246, CVE-2026-27775: a decision was kept, and what it had been made of was not part of its name. Here what is kept is
// that the secret is the right one; what the caller, the clock and the record say is asked at each call.
func TestCVE_2026_30246_DecisionsAreNotCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(ctx context.Context, k *apikey.Key) error {
			if ctx.Value(tenant{}) != k.Subject() {
				return errors.New("another tenant's")
			}
			return nil
		}}})
		key, text := keys.Create(t, apikey.CreateParams{Subject: "a", Scopes: []string{"read", "write"}, ExpiresIn: time.Hour})
		a, b := context.WithValue(t.Context(), tenant{}, "a"), context.WithValue(t.Context(), tenant{}, "b")
		for range 3 {
			if _, err := keys.Verifier.Verify(a, text); err != nil {
				t.Error(err)
			}
			_, err := keys.Verifier.Verify(b, text)
			wantRejection(t, "for another tenant", err, apikey.ErrDenied)
		}
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: []string{"read"}}); err != nil {
			t.Fatal(err)
		}
		if k, err := keys.Verifier.Verify(a, text); err != nil || k.HasScope("write") {
			t.Errorf("it still has the scope that was taken away: %v, %v", k, err)
		}
		warm := keys.Verifier.Stats().Warm
		time.Sleep(time.Hour)
		_, err := keys.Verifier.Verify(a, text)
		wantRejection(t, "expired while warm", err, apikey.ErrExpired)
		if keys.Verifier.Stats().Warm != warm+1 {
			t.Error("control: it was not warm")
		}
	})
}

// C5: a read from before a revocation was put into the cache after it. Here each change comes in the middle of a cold Verify,
// when the old record has been read, for the first time or again because of another change; what begins after the change is
// judged by the new one.
func TestC5_FillAfterAChange(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*apikey.Issuer, string) error{
		"Revoke": func(i *apikey.Issuer, id string) error {
			_, err := i.Revoke(context.Background(), id, apikey.RevokeParams{})
			return err
		},
		"RevokeSubject": func(i *apikey.Issuer, _ string) error {
			_, err := i.RevokeSubject(context.Background(), "user_1", apikey.RevokeParams{})
			return err
		},
		"Rotate": func(i *apikey.Issuer, id string) error {
			_, _, err := i.Rotate(context.Background(), id, apikey.RotateParams{})
			return err
		},
		"Delete": func(i *apikey.Issuer, id string) error { return i.Delete(context.Background(), id) },
	} {
		for _, reads := range []int{1, 2} {
			store := newHooked()
			issuer := newIssuer(t, store, apikey.IssuerOptions{})
			key, secret := newKey(t, issuer, apikey.CreateParams{})
			v := apikeytest.New(t, &apikeytest.Options{Store: store}).Verifier
			others := newIssuer(t, store.Store, apikey.IssuerOptions{}) // past the hook, on the same feed
			read := 0
			store.after = func(call string) error {
				if call != "Get" {
					return nil
				}
				if read++; read < reads {
					_, err := others.Update(context.Background(), key.ID(), apikey.UpdateParams{Description: new("changed")})
					return err
				} else if read == reads {
					return change(others, key.ID())
				}
				return nil
			}
			_, _ = v.Verify(t.Context(), secret.Reveal()) // it began before, and may say either
			if read < reads {
				t.Fatalf("%s: control: it read %d times", what, read)
			}
			for range 2 {
				if _, err := v.Verify(t.Context(), secret.Reveal()); !errors.Is(err, apikey.ErrRejected) {
					t.Errorf("%s after read %d: accepted afterwards: %v", what, reads, err)
				}
			}
		}
	}
}

// CVE-2024-21662, CVE-2024-21652: whoever sent enough made the server forget what protected it. Here thousands without a valid
// key, thieves of the seed among them, push nothing out of the smallest cache that holds one key.
func TestCVE_2024_21662_StrangersEvictNothing(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{CacheBytes: 16 << 10}})
	_, text := keys.Create(t, apikey.CreateParams{})
	dead, deadText := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Issuer.Revoke(t.Context(), dead.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	seed, err := store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	before := keys.Verifier.Stats()
	for range 100 { // ids are public, and those of keys that are good, too
		cold, _ := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Verifier.Lookup(t.Context(), cold.ID()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2000 {
		for what, presented := range map[string]string{
			"forged": withChecksum(text[:25] + digitsOf(i, 33) + text[58:69]), "revoked": deadText,
			"under a true tag":     apikey.Forge(seed, text, [24]byte{byte(i), byte(i >> 8)}),
			"another id's, signed": apikey.Forge(seed, withChecksum("ak_"+digitsOf(i, 22)+text[25:69]), [24]byte{1}),
		} {
			if _, err := keys.Verifier.Verify(t.Context(), presented); !errors.Is(err, apikey.ErrRejected) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if _, err := keys.Verifier.Lookup(t.Context(), "ak_"+strings.Repeat("0", 28)+strconv.FormatInt(int64(0x1000+i), 16)); !errors.Is(err, apikey.ErrRejected) {
			t.Fatal(err)
		}
	}
	after := keys.Verifier.Stats()
	if before.CachedEntries != 1 || after.CachedEntries != 1 || after.CachedBytes != before.CachedBytes {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil || keys.Verifier.Stats().Warm != after.Warm+1 {
		t.Errorf("the valid key was pushed out, %v", err)
	}
}
