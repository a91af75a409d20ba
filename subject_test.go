package apikey_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// bySubject are the management calls that take a subject.
var bySubject = map[string]func(ctx context.Context, i *apikey.Issuer, subject string) error{
	"Create": func(ctx context.Context, i *apikey.Issuer, subject string) error {
		key, secret, err := i.Create(ctx, apikey.CreateParams{Subject: subject, Name: "key"})
		if err != nil && (key != nil || secret.Reveal() != "") {
			return errors.New("a key beside an error")
		}
		return err
	},
	"List": func(ctx context.Context, i *apikey.Issuer, subject string) error {
		_, err := i.List(ctx, apikey.Query{Subject: subject})
		return err
	},
	"Keys": func(ctx context.Context, i *apikey.Issuer, subject string) error {
		for key, err := range i.Keys(ctx, apikey.Query{Subject: subject}) {
			if err != nil {
				return err
			}
			if key.Subject() != subject && subject != "" {
				return errors.New("another subject's key")
			}
		}
		return nil
	},
	"Count": func(ctx context.Context, i *apikey.Issuer, subject string) error {
		_, err := i.Count(ctx, apikey.Query{Subject: subject})
		return err
	},
	"RevokeSubject": func(ctx context.Context, i *apikey.Issuer, subject string) error {
		_, err := i.RevokeSubject(ctx, subject, apikey.RevokeParams{})
		return err
	},
}

// An Issuer for a subject answers to another subject as if there were nothing: in an id and in
// parameters, and nothing is changed.
func TestCVE_2026_40264_ForSubjectRefuses(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	all := newIssuer(t, store, apikey.IssuerOptions{})
	mine, _ := newKey(t, all, apikey.CreateParams{Subject: "user_1"})
	theirs, _ := newKey(t, all, apikey.CreateParams{Subject: "user_2"})
	revoked, _ := newKey(t, all, apikey.CreateParams{Subject: "user_2"})
	if _, err := all.Revoke(t.Context(), revoked.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	before := encoded(t, store, mine) + encoded(t, store, theirs) + encoded(t, store, revoked)

	scoped := all.ForSubject("user_1")
	for call, f := range byID {
		for _, key := range []*apikey.Key{theirs, revoked} {
			wantError(t, call+" of another subject's key", f(t.Context(), scoped, key.ID()), apikey.ErrNotFound)
		}
	}
	for call, f := range bySubject {
		for _, subject := range []string{"user_2", "user_", "user_11", "USER_1", "nobody"} {
			wantError(t, call+" for "+subject, f(t.Context(), scoped, subject), apikey.ErrNotFound)
		}
	}
	_, err := scoped.Update(t.Context(), mine.ID(), apikey.UpdateParams{Subject: new("user_2"), Description: new("moved")})
	wantError(t, "Update to another subject", err, apikey.ErrNotFound)
	// Of nothing: whatever the nesting, and for "".
	for what, none := range map[string]*apikey.Issuer{
		"nobody": all.ForSubject(""), "another": scoped.ForSubject("user_2"), "nobody again": all.ForSubject("").ForSubject("user_1"),
		"there and back": scoped.ForSubject("user_2").ForSubject("user_1"), "nobody of one": scoped.ForSubject(""),
	} {
		for call, f := range byID {
			wantError(t, call+" for "+what, f(t.Context(), none, mine.ID()), apikey.ErrNotFound)
			wantError(t, call+" for "+what, f(t.Context(), none, theirs.ID()), apikey.ErrNotFound)
		}
		for _, subject := range []string{"user_1", "user_2"} {
			for _, call := range []string{"Create", "RevokeSubject"} {
				wantError(t, call+" for "+what, bySubject[call](t.Context(), none, subject), apikey.ErrNotFound)
			}
		}
		wantError(t, "Create for "+what, bySubject["Create"](t.Context(), none, ""), apikey.ErrNotFound)
		for _, subject := range []string{"", "user_1", "user_2"} {
			q := apikey.Query{Subject: subject, IncludeInvalid: true}
			if page, err := none.List(t.Context(), q); len(page.Keys) != 0 || page.Next != "" || err != nil && !errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("List for %s: %v, %v", what, page, err)
			}
			if n, err := none.Count(t.Context(), q); n != 0 || err != nil && !errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("Count for %s: %d, %v", what, n, err)
			}
			for key := range none.Keys(t.Context(), q) {
				if key != nil {
					t.Errorf("Keys for %s: %v", what, key.ID())
				}
			}
		}
	}
	if encoded(t, store, mine)+encoded(t, store, theirs)+encoded(t, store, revoked) != before {
		t.Error("a key was changed")
	}
	if n, err := store.Count(t.Context(), apikey.Filter{}); n != 3 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

// For its own subject it does what any Issuer does, and no more.
func TestForSubjectServes(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	theirs, theirText := keys.Create(t, apikey.CreateParams{Subject: "user_2"})
	scoped := keys.Issuer.ForSubject("user_1").ForSubject("user_1")
	for _, subject := range []string{"", "user_1"} {
		key, secret, err := scoped.Create(t.Context(), apikey.CreateParams{Subject: subject, Name: "key"})
		if err != nil || key.Subject() != "user_1" {
			t.Fatalf("Create for %q: %v, %v", subject, key, err)
		}
		if _, err := keys.Verifier.Verify(t.Context(), secret.Reveal()); err != nil {
			t.Error(err)
		}
		for _, call := range []string{"Get", "Update", "Update of nothing", "Rotate", "Revoke", "Revoke", "Delete"} {
			wantError(t, call, byID[call](t.Context(), scoped, key.ID()), nil)
		}
		wantError(t, "Get after Delete", byID["Get"](t.Context(), scoped, key.ID()), apikey.ErrNotFound)
		_, err = keys.Verifier.Verify(t.Context(), secret.Reveal())
		wantRejection(t, "after Delete", err, apikey.ErrUnknown)
	}
	var mine []string
	for range 3 {
		key, _ := newKey(t, keys.Issuer, apikey.CreateParams{Subject: "user_1"})
		mine = append([]string{key.ID()}, mine...)
	}
	for _, subject := range []string{"", "user_1"} {
		wantSame(t, "Keys", ids(t, scoped, apikey.Query{Subject: subject}), mine)
		if n, err := scoped.Count(t.Context(), apikey.Query{Subject: subject}); n != 3 || err != nil {
			t.Errorf("Count: %d, %v", n, err)
		}
	}
	if _, err := scoped.Update(t.Context(), mine[0], apikey.UpdateParams{Subject: new("user_1"), Description: new("mine")}); err != nil {
		t.Errorf("Update to its own subject: %v", err)
	}
	if n, err := scoped.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); n != 3 || err != nil {
		t.Errorf("RevokeSubject: %d, %v", n, err)
	}
	if _, err := keys.Verifier.Verify(t.Context(), theirText); err != nil {
		t.Errorf("another subject's key, %s: %v", theirs.ID(), err)
	}
	_, err := scoped.RevokeSubject(t.Context(), "", apikey.RevokeParams{})
	wantInvalid(t, "RevokeSubject of nobody", err, "subject")
}

// A key that is moved away between the look at its owner and the write is not touched.
func TestForSubjectRaces(t *testing.T) {
	t.Parallel()
	for call, f := range byID {
		if call == "Get" || call == "Update of nothing" {
			continue
		}
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		key, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_1"})
		var moved string
		store.before = func(c string) error {
			if c == "Replace" && moved == "" {
				edit(t, store.Store, key, func(r *apikey.Record) { r.Subject = "user_2" })
				moved = encoded(t, store.Store, key)
			}
			return nil
		}
		wantError(t, call+" of a key that moves away", f(t.Context(), issuer.ForSubject("user_1"), key.ID()), apikey.ErrNotFound)
		if moved == "" || encoded(t, store.Store, key) != moved {
			t.Errorf("%s changed a key that had moved away", call)
		}
	}
}

// Manages agrees with Get: what an Issuer can get, it manages.
func TestManages(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	all := newIssuer(t, store, apikey.IssuerOptions{})
	other := newIssuer(t, store, apikey.IssuerOptions{Prefix: "sk_live"}) // ids of any prefix are good
	mine, _ := newKey(t, all, apikey.CreateParams{Subject: "user_1"})
	theirs, _ := newKey(t, all, apikey.CreateParams{Subject: "user_2"})
	foreign, _ := newKey(t, other, apikey.CreateParams{Subject: "user_1"})
	for what, c := range map[string]struct {
		issuer *apikey.Issuer
		want   [3]bool
	}{
		"all":            {all, [3]bool{true, true, true}},
		"another prefix": {other, [3]bool{true, true, true}},
		"a subject":      {all.ForSubject("user_1"), [3]bool{true, false, true}},
		"no subject":     {all.ForSubject(""), [3]bool{}},
		"two subjects":   {all.ForSubject("user_1").ForSubject("user_2"), [3]bool{}},
	} {
		if c.issuer.Manages(nil) {
			t.Errorf("%s: a key that is none", what)
		}
		for i, key := range []*apikey.Key{mine, theirs, foreign} {
			_, err := c.issuer.Get(t.Context(), key.ID())
			if got := c.issuer.Manages(key); got != c.want[i] || got != (err == nil) {
				t.Errorf("%s, key %d: %v, and Get says %v", what, i, got, err)
			}
		}
	}
}
