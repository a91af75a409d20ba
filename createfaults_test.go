package apikey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// A Create that fails leaves no key behind, also if the store had kept it: nobody has its secret,
// and it would keep its name from the next try.
func TestDoubtfulCreate(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	for what, stores := range map[string]bool{"before it is stored": false, "after it is stored": true} {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{UniqueNames: true})
		fail := func(call string) error {
			if call == "Create" && store.count("Create") == 1 {
				return broken
			}
			return nil
		}
		if stores {
			store.after = fail
		} else {
			store.before = fail
		}
		key, secret, err := issuer.Create(t.Context(), valid())
		wantFailure(t, what, err, apikey.ErrUnavailable, broken)
		if key != nil || secret.Reveal() != "" {
			t.Errorf("%s: a key beside an error", what)
		}
		if n, err := store.Count(t.Context(), apikey.Filter{}); n != 0 || err != nil {
			t.Errorf("%s: %d records are left, %v", what, n, err)
		}
		if _, err := create(t, issuer, "user_1", "key"); err != nil {
			t.Errorf("%s: the next try: %v", what, err)
		}
	}
}

// The end of the caller's context does not keep it from that.
func TestDoubtfulCreateOfAnEndedContext(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	store.after = func(call string) error {
		if call == "Create" {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	_, _, err := issuer.Create(ctx, valid())
	wantFailure(t, "an end after the record is stored", err, apikey.ErrUnavailable, context.Canceled)
	if n, err := store.Count(t.Context(), apikey.Filter{}); n != 0 || err != nil {
		t.Errorf("%d records are left, %v", n, err)
	}
}

// If it can't be taken back either, the log says which key it is.
func TestCreateThatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{Logger: slog.New(slog.NewJSONHandler(&out, nil))})
	broken, still := errors.New("the disk is on fire"), errors.New("it still is")
	store.after = func(call string) error {
		if call == "Create" {
			return broken
		}
		return nil
	}
	store.before = func(call string) error {
		if call == "Delete" {
			return still
		}
		return nil
	}
	_, _, err := issuer.Create(t.Context(), valid())
	wantFailure(t, "Create", err, apikey.ErrUnavailable, broken)
	left := ids(t, issuer, apikey.Query{})
	if len(left) != 1 || !strings.Contains(out.String(), left[0]) || !strings.Contains(out.String(), still.Error()) || !strings.Contains(out.String(), `"WARN"`) {
		t.Errorf("left %v, logged %s", left, out.String())
	}
}

// What is given to Create is the caller's, also while it waits.
func TestCreateCopies(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	scopes, claims := []string{"read"}, json.RawMessage(`{"a":1}`)
	store.before = func(call string) error {
		if call == "Value" { // after the validation
			scopes[0] = "not a scope"
			copy(claims, "nonsens")
		}
		return nil
	}
	key, _ := newKey(t, issuer, apikey.CreateParams{Scopes: scopes, Claims: claims})
	got := stored(t, store, key.ID())
	if got.Scopes[0] != "read" || string(got.Claims) != `{"a":1}` || !key.HasScope("read") {
		t.Errorf("stored %q and %s", got.Scopes, got.Claims)
	}
}

// A context that is done has no effect.
func TestManagementWithAnEndedContext(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	before := encoded(t, store, key)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for call, f := range byID {
		wantFailure(t, call, f(ctx, issuer, key.ID()), apikey.ErrUnavailable, context.Canceled)
		wantFailure(t, call, f(late, issuer, key.ID()), apikey.ErrUnavailable, context.DeadlineExceeded)
	}
	for call, f := range bySubject {
		wantFailure(t, call, f(ctx, issuer, "user_1"), apikey.ErrUnavailable, context.Canceled)
		wantFailure(t, call, f(late, issuer, "user_1"), apikey.ErrUnavailable, context.DeadlineExceeded)
	}
	if n, err := store.Count(t.Context(), apikey.Filter{}); n != 1 || err != nil || encoded(t, store, key) != before {
		t.Errorf("%d records, %v, or the key was changed", n, err)
	}
}
