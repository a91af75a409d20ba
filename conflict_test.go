package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Whoever was faster is right, and the change is made on top of theirs, however often that happens.
func TestChangesTryAgain(t *testing.T) {
	t.Parallel()
	for call, f := range byID {
		for _, conflicts := range []int{1, 2, 30} {
			store := newHooked()
			issuer := newIssuer(t, store, apikey.IssuerOptions{})
			key, _ := newKey(t, issuer, apikey.CreateParams{})
			left := conflicts
			store.before = func(c string) error {
				if c == "Replace" && left > 0 {
					left--
					edit(t, store.Store, key, func(r *apikey.Record) { r.Scopes = append(r.Scopes, "theirs") })
				}
				return nil // and so the store itself finds the conflict
			}
			wantError(t, call, f(t.Context(), issuer, key.ID()), nil)
			if call == "Get" || call == "Update of nothing" || call == "Delete" {
				continue // which replace nothing
			}
			if got := stored(t, store, key.ID()); len(got.Scopes) != conflicts || left != 0 {
				t.Errorf("%s: %d of %d changes of others are left", call, len(got.Scopes), conflicts)
			}
			if n := store.count("Replace"); n != conflicts+1 {
				t.Errorf("%s: replaced %d times after %d conflicts", call, n, conflicts)
			}
		}
	}
}

// What the others did is looked at anew: a key that was revoked meanwhile stays as it is.
func TestConflictWithARevocation(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]error{"Update": apikey.ErrRevokedKey, "Rotate": apikey.ErrRevokedKey, "Revoke": nil} {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		key, _ := newKey(t, issuer, apikey.CreateParams{})
		var revoked string
		store.before = func(c string) error {
			if c == "Replace" && revoked == "" {
				other := newIssuer(t, store.Store, apikey.IssuerOptions{})
				if _, err := other.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: "first"}); err != nil {
					t.Error(err)
				}
				revoked = encoded(t, store.Store, key)
			}
			return nil
		}
		wantError(t, call, byID[call](t.Context(), issuer, key.ID()), want)
		if encoded(t, store.Store, key) != revoked {
			t.Errorf("%s changed a key that was revoked meanwhile", call)
		}
	}
}

// A rotation that meets another one gets the next number, and a secret for it.
func TestRotationMeetsARotation(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	var theirs apikey.Secret
	store.before = func(call string) error {
		if call == "Replace" && theirs.Reveal() == "" {
			var err error
			_, theirs, err = newIssuer(t, store.Store, apikey.IssuerOptions{}).Rotate(t.Context(), key.ID(), apikey.RotateParams{})
			return err
		}
		return nil
	}
	got, mine, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "numbers", numbers(got), []uint16{3, 2})
	verifier := apikeytest.New(t, &apikeytest.Options{Store: store}).Verifier
	for want, secret := range map[uint16]apikey.Secret{2: theirs, 3: mine} {
		if verified, err := verifier.Verify(t.Context(), secret.Reveal()); err != nil || verified.Number() != want {
			t.Errorf("secret %d: %v, %v", want, verified, err)
		}
	}
}

// A change that never succeeds ends with its context.
func TestEndlessConflict(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"Update", "Rotate", "Revoke"} {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		key, _ := newKey(t, issuer, apikey.CreateParams{})
		ctx, cancel := context.WithCancel(t.Context())
		store.before = func(c string) error {
			if c == "Replace" {
				if store.count("Replace") == 10 {
					cancel()
				}
				return apikey.ErrConflict
			}
			return nil
		}
		wantFailure(t, call, byID[call](ctx, issuer, key.ID()), apikey.ErrUnavailable, context.Canceled)
		cancel()
		if n := store.count("Replace"); n != 10 {
			t.Errorf("%s: replaced %d times, 10 before the end of the context", call, n)
		}
	}
}

// An id that is taken is no reason to fail, nor to overwrite what is there.
func TestID2_CreateMeetsAnID(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	store.before = func(call string) error {
		if call == "Create" && store.count("Create") <= 2 {
			return apikey.ErrExists
		}
		return nil
	}
	key, secret := newKey(t, issuer, apikey.CreateParams{})
	if id, err := apikey.KeyID(secret.Reveal()); err != nil || id != key.ID() || store.count("Create") != 3 || store.count("Delete") != 0 {
		t.Errorf("%s, the secret's is %s, %v; created %d times, deleted %d", key.ID(), id, err, store.count("Create"), store.count("Delete"))
	}
	if listed := ids(t, issuer, apikey.Query{}); len(listed) != 1 || listed[0] != key.ID() {
		t.Errorf("listed %v", listed)
	}

	// A store that says so each time is at fault.
	store.before = func(call string) error {
		if call == "Create" {
			return apikey.ErrExists
		}
		return nil
	}
	_, err := create(t, issuer, "user_1", "key")
	wantFailure(t, "ever again", err, apikey.ErrUnavailable, apikey.ErrExists)

	ctx, cancel := context.WithCancel(t.Context())
	store.before = func(call string) error {
		if call == "Create" {
			cancel()
			return apikey.ErrExists
		}
		return nil
	}
	_, _, err = issuer.Create(ctx, valid())
	wantFailure(t, "an end of it", err, apikey.ErrUnavailable, context.Canceled)
}

// The seed is made once, whoever comes first, and never again.
func TestOneSeed(t *testing.T) {
	t.Parallel()
	store := newHooked()
	var theirs []byte
	store.before = func(call string) error {
		if call == "SwapValue" && theirs == nil { // another process is faster
			theirs = ascending(7, 32)
			return store.Store.SwapValue(t.Context(), "seed", nil, theirs)
		}
		return nil
	}
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	_, secret := newKey(t, issuer, apikey.CreateParams{})
	newKey(t, issuer, apikey.CreateParams{})
	token, ok := apikey.ParseText(secret.Reveal())
	signed := token
	signed.Sign(theirs, 1)
	if !ok || signed != token {
		t.Error("the first key is signed under another seed than the store's")
	}
	if n := store.count("Value"); n != 2 {
		t.Errorf("the seed was read %d times, want twice for the race and never again", n)
	}
	if seed, err := store.Value(t.Context(), "seed"); err != nil || string(seed) != string(theirs) {
		t.Errorf("the seed is %x, %v", seed, err)
	}
}

func TestBadSeed(t *testing.T) {
	t.Parallel()
	for what, seed := range map[string][]byte{"empty": {}, "31 bytes": ascending(1, 31), "33 bytes": ascending(1, 33)} {
		store := memstore.New()
		if err := store.SwapValue(t.Context(), "seed", nil, seed); err != nil {
			t.Fatal(err)
		}
		_, err := create(t, newIssuer(t, store, apikey.IssuerOptions{}), "user_1", "key")
		wantFailure(t, what, err, apikey.ErrUnavailable, nil)
		wantNoLeak(t, what, string(ascending(1, 33)), fmt.Sprint(err))
		if got, err := store.Value(t.Context(), "seed"); err != nil || len(got) != len(seed) {
			t.Errorf("%s: it was replaced by %d bytes, %v", what, len(got), err)
		}
	}
	// A store that has none and takes none is at fault.
	store := newHooked()
	store.before = func(call string) error {
		if call == "SwapValue" {
			return apikey.ErrConflict
		}
		return nil
	}
	_, err := create(t, newIssuer(t, store, apikey.IssuerOptions{}), "user_1", "key")
	wantFailure(t, "a seed that can't be set", err, apikey.ErrUnavailable, apikey.ErrConflict)

	broken := errors.New("the disk is on fire")
	for _, call := range []string{"Value", "SwapValue"} {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		store.before = func(c string) error {
			if c == call && store.count(call) == 1 {
				return broken
			}
			return nil
		}
		_, err := create(t, issuer, "user_1", "key")
		wantFailure(t, call, err, apikey.ErrUnavailable, broken)
		_, err = create(t, issuer, "user_1", "key")
		wantError(t, call+" failed, again", err, nil)
	}
}
