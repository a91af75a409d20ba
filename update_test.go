package apikey_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// nil leaves alone, a value sets, and the empty value clears: for each field by itself.
func TestUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		now := func() time.Time { return time.Now().UTC() }
		for _, c := range []struct {
			name   string
			params apikey.UpdateParams
			want   func(*apikey.Record)
		}{
			{"description", apikey.UpdateParams{Description: new("new")}, func(r *apikey.Record) { r.Description = "new" }},
			{"no description", apikey.UpdateParams{Description: new("")}, func(r *apikey.Record) { r.Description = "" }},
			{"the same description", apikey.UpdateParams{Description: new("old")}, func(*apikey.Record) {}},
			{"subject", apikey.UpdateParams{Subject: new("user_2")}, func(r *apikey.Record) { r.Subject, r.Epoch = "user_2", 1 }},
			{"claims", apikey.UpdateParams{Claims: json.RawMessage(` [ 1.0 ] `)}, func(r *apikey.Record) { r.Claims, r.Epoch = json.RawMessage(`[1.0]`), 1 }},
			{"claims null", apikey.UpdateParams{Claims: json.RawMessage(`null`)}, func(r *apikey.Record) { r.Claims, r.Epoch = nil, 1 }},
			{"claims empty", apikey.UpdateParams{Claims: json.RawMessage{}}, func(r *apikey.Record) { r.Claims, r.Epoch = nil, 1 }},
			{"scopes", apikey.UpdateParams{Scopes: []string{"b", "a"}}, func(r *apikey.Record) { r.Scopes, r.Epoch = []string{"b", "a"}, 1 }},
			{"no scopes", apikey.UpdateParams{Scopes: []string{}}, func(r *apikey.Record) { r.Scopes, r.Epoch = nil, 1 }},
			{"expiry", apikey.UpdateParams{ExpiresIn: new(2 * time.Hour)}, func(r *apikey.Record) { r.ExpiresAt = now().Add(2 * time.Hour) }},
			{"an earlier expiry", apikey.UpdateParams{ExpiresIn: new(time.Second)}, func(r *apikey.Record) { r.ExpiresAt = now().Add(time.Second) }},
			{"no expiry", apikey.UpdateParams{ExpiresIn: new(time.Duration(0))}, func(r *apikey.Record) { r.ExpiresAt = time.Time{} }},
			{"all", apikey.UpdateParams{Description: new("d"), Subject: new("s"), Claims: json.RawMessage("1"), Scopes: []string{"x"}, ExpiresIn: new(time.Minute)},
				func(r *apikey.Record) {
					r.Description, r.Subject, r.Claims, r.Scopes, r.ExpiresAt = "d", "s", json.RawMessage("1"), []string{"x"}, now().Add(time.Minute)
					r.Epoch = 1
				}},
		} {
			key, _ := newKey(t, issuer, apikey.CreateParams{Description: "old", Claims: json.RawMessage(`{"a":1}`), Scopes: []string{"read"}, ExpiresIn: time.Hour})
			want := stored(t, store, key.ID())
			time.Sleep(time.Minute) // so that the base of a new expiry is not the creation
			got, err := issuer.Update(t.Context(), key.ID(), c.params)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			c.want(want)
			want.UpdatedAt, want.Version = now(), 2
			if have := stored(t, store, key.ID()); !reflect.DeepEqual(have, want) && !(len(have.Scopes) == 0 && len(want.Scopes) == 0) {
				t.Errorf("%s: stored %+v, want %+v", c.name, have, want)
			}
			if state(got) != state(apikey.NewKey(want)) {
				t.Errorf("%s: returned %s, want %s", c.name, state(got), state(apikey.NewKey(want)))
			}
		}
		// Nothing to change is no change.
		key, _ := newKey(t, issuer, apikey.CreateParams{})
		before := encoded(t, store, key)
		time.Sleep(time.Minute)
		if got, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{}); err != nil || state(got) != state(key) || encoded(t, store, key) != before {
			t.Errorf("nothing: %v, %v", state(got), err)
		}
	})
}

// What a token derived from the key may assert is of an epoch, which ends when some of it is taken away.
func TestEpoch(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{Scopes: []string{"a", "b"}, Claims: json.RawMessage(`{"n":1}`)})
	epoch := key.Epoch()
	for _, c := range []struct {
		what   string
		params apikey.UpdateParams
		ends   bool
	}{
		{"nothing", apikey.UpdateParams{}, false},
		{"the same scopes", apikey.UpdateParams{Scopes: []string{"a", "b"}}, false},
		{"another order", apikey.UpdateParams{Scopes: []string{"b", "a"}}, false},
		{"a scope more", apikey.UpdateParams{Scopes: []string{"a", "b", "c"}}, false},
		{"one more, one less", apikey.UpdateParams{Scopes: []string{"a", "b", "d"}}, true},
		{"a scope less", apikey.UpdateParams{Scopes: []string{"a", "b"}}, true},
		{"no scope", apikey.UpdateParams{Scopes: []string{}}, true},
		{"back again", apikey.UpdateParams{Scopes: []string{"a", "b"}}, false},
		{"the same claims", apikey.UpdateParams{Claims: json.RawMessage(` {"n": 1}`)}, false},
		{"other claims", apikey.UpdateParams{Claims: json.RawMessage(`{"n":1,"m":2}`)}, true},
		{"no claims", apikey.UpdateParams{Claims: json.RawMessage(`null`)}, true},
		{"the same subject", apikey.UpdateParams{Subject: new(key.Subject())}, false},
		{"another subject", apikey.UpdateParams{Subject: new("user_2")}, true},
		{"a description", apikey.UpdateParams{Description: new("d")}, false},
		{"an expiry", apikey.UpdateParams{ExpiresIn: new(time.Hour)}, false},
		{"several at once", apikey.UpdateParams{Subject: new("user_3"), Claims: json.RawMessage(`1`), Scopes: []string{}}, true},
	} {
		key, err := issuer.Update(t.Context(), key.ID(), c.params)
		if err != nil {
			t.Fatal(err)
		}
		if c.ends {
			epoch++
		}
		if key.Epoch() != epoch {
			t.Errorf("%s: epoch %d, want %d", c.what, key.Epoch(), epoch)
		}
		epoch = key.Epoch()
	}
	// What has died with the key's end does not come back with the key.
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
		key, _ := newKey(t, issuer, apikey.CreateParams{ExpiresIn: time.Minute})
		for i, pause := range []time.Duration{time.Minute - time.Millisecond, time.Minute, time.Minute} {
			time.Sleep(pause)
			if i == 2 {
				if key, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new("d")}); err != nil || key.Epoch() != 1 {
					t.Errorf("no other end: %v, %v", key, err)
				}
			}
			got, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{ExpiresIn: new(time.Minute)})
			if err != nil || got.Epoch() != uint32(i) {
				t.Errorf("after %v: %v, %v", pause, got.Epoch(), err)
			}
		}
	})
	for range 2 {
		if key, _, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{}); err != nil || key.Epoch() != epoch {
			t.Errorf("Rotate: %v, %v", key, err)
		}
	}
	if key, err := issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil || key.Epoch() != epoch {
		t.Errorf("Revoke: %v, %v", key, err)
	}
}

func TestUpdateValidation(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	before := encoded(t, store, key)
	bad := func(field, what string, p apikey.UpdateParams) {
		t.Helper()
		if p.Description == nil {
			p.Description = new("must not be changed by half")
		}
		got, err := issuer.Update(t.Context(), key.ID(), p)
		wantInvalid(t, field+" "+what, err, field)
		if got != nil || encoded(t, store, key) != before {
			t.Errorf("%s %s: %v, or it was changed", field, what, got)
		}
	}
	for what, text := range badTexts {
		bad("Description", what, apikey.UpdateParams{Description: new(text)})
		bad("Subject", what, apikey.UpdateParams{Subject: new(text)})
	}
	bad("Description", "too long", apikey.UpdateParams{Description: new(characters(1025))})
	bad("Subject", "too long", apikey.UpdateParams{Subject: new(characters(256))})
	bad("Subject", "empty", apikey.UpdateParams{Subject: new("")})
	for what, scopes := range badScopes() {
		bad("Scopes", what, apikey.UpdateParams{Scopes: scopes})
	}
	for what, claims := range badClaims() {
		bad("Claims", what, apikey.UpdateParams{Claims: claims})
	}
	for what, in := range badLifetimes {
		bad("ExpiresIn", what, apikey.UpdateParams{ExpiresIn: new(in)})
	}
	for what, p := range map[string]apikey.UpdateParams{
		"description at the bound": {Description: new(characters(1024))},
		"subject at the bound":     {Subject: new(characters(255))},
		"a second":                 {ExpiresIn: new(time.Second)},
		"a century":                {ExpiresIn: new(century)},
	} {
		if _, err := issuer.Update(t.Context(), key.ID(), p); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A longer expiry, or none, revives a key that is expired; nothing revives a revoked one.
func TestUpdateRevives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := apikeytest.New(t, nil)
		for _, in := range []time.Duration{0, time.Hour} {
			key, text := keys.Create(t, apikey.CreateParams{ExpiresIn: time.Second})
			time.Sleep(time.Second)
			_, err := keys.Verifier.Verify(t.Context(), text)
			wantError(t, "expired", err, apikey.ErrExpired)
			if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{ExpiresIn: &in}); err != nil {
				t.Fatal(err)
			}
			if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
				t.Errorf("revived for %v: %v", in, err)
			}
		}
		key, text := keys.Create(t, apikey.CreateParams{})
		if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		before := encoded(t, keys.Store, key)
		for _, p := range []apikey.UpdateParams{{}, {Description: new("x")}, {ExpiresIn: new(time.Hour)}, {Subject: new("user_2")}} {
			_, err := keys.Issuer.Update(t.Context(), key.ID(), p)
			wantError(t, "Update of a revoked key", err, apikey.ErrRevokedKey)
		}
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantError(t, "Verify of a revoked key", err, apikey.ErrRevoked)
		if encoded(t, keys.Store, key) != before {
			t.Error("the revoked key was changed")
		}
	})
}

// What is given to Update is the caller's, also while it tries again.
func TestUpdateCopies(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	scopes, claims, description, in := []string{"read"}, json.RawMessage(`{"a":1}`), "good", time.Hour
	store.before = func(call string) error {
		if call == "Get" { // after the validation
			scopes[0], description, in = "not a scope", "bad\n", 1
			copy(claims, "nonsens")
		}
		return nil
	}
	before := time.Now()
	got, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: scopes, Claims: claims, Description: &description, ExpiresIn: &in})
	if err != nil || !slices.Equal(got.Scopes(), []string{"read"}) || string(got.Claims()) != `{"a":1}` || got.Description() != "good" {
		t.Errorf("%s, %v", state(got), err)
	}
	if at, ok := got.ExpiresAt(); !ok || !within(at, before.Add(time.Hour), time.Now().Add(time.Hour)) {
		t.Errorf("expires at %v", at)
	}
}

// Concurrent changes of different fields are all made: none is lost to another's.
func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuers := []*apikey.Issuer{newIssuer(t, store, apikey.IssuerOptions{}), newIssuer(t, store, apikey.IssuerOptions{})}
	for range 20 {
		key, _ := newKey(t, issuers[0], apikey.CreateParams{Scopes: []string{"old"}})
		params := []apikey.UpdateParams{
			{Description: new("new")}, {Scopes: []string{"new"}}, {Claims: json.RawMessage(`"new"`)}, {ExpiresIn: new(time.Hour)}, {Subject: new("new")},
		}
		var wg sync.WaitGroup
		for i, p := range params {
			wg.Go(func() {
				if _, err := issuers[i%2].Update(t.Context(), key.ID(), p); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := stored(t, store, key.ID())
		if all := strings.Join([]string{got.Description, got.Scopes[0], string(got.Claims), got.Subject}, " "); all != `new new "new" new` || got.ExpiresAt.IsZero() {
			t.Errorf("%s, expires at %v: a change was lost", all, got.ExpiresAt)
		}
		if got.Version != 6 {
			t.Errorf("version %d after 5 changes", got.Version)
		}
	}
}
