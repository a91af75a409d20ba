package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// All keys of the owner die, over as many pages as there are; others' live. What was revoked
// before is not counted, and keeps its reason.
func TestRevokeSubject(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	const many = 1203 // over two pages
	var texts, others []string
	for n := range many {
		_, text := keys.Create(t, apikey.CreateParams{Subject: "user_1"})
		texts = append(texts, text)
		if n%100 == 0 {
			for _, subject := range []string{"user_2", "user_", "user_11", "USER_1"} {
				_, text := keys.Create(t, apikey.CreateParams{Subject: subject})
				others = append(others, text)
			}
		}
	}
	before, _ := keys.Create(t, apikey.CreateParams{Subject: "user_1"})
	if _, err := keys.Issuer.Revoke(t.Context(), before.ID(), apikey.RevokeParams{Reason: "first"}); err != nil {
		t.Fatal(err)
	}
	n, err := keys.Issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{Reason: "all", By: "admin"})
	if n != many || err != nil {
		t.Errorf("revoked %d, %v; want %d", n, err, many)
	}
	for key, err := range keys.Issuer.Keys(t.Context(), apikey.Query{Subject: "user_1", IncludeInvalid: true}) {
		if err != nil {
			t.Fatal(err)
		}
		want := "all"
		if key.ID() == before.ID() {
			want = "first"
		}
		if !key.Revoked() || key.RevocationReason() != want || (want == "all") != (key.RevokedBy() == "admin") {
			t.Fatalf("a key of the subject: %s", state(key))
		}
	}
	for _, i := range []int{0, 1, 499, 500, 501, 1000, 1001, many - 1} {
		_, err := keys.Verifier.Verify(t.Context(), texts[i])
		wantRejection(t, fmt.Sprintf("key %d", i), err, apikey.ErrRevoked)
	}
	for _, text := range others {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatalf("another subject's key: %v", err)
		}
	}
	for _, subject := range []string{"user_1", "nobody"} {
		if n, err := keys.Issuer.RevokeSubject(t.Context(), subject, apikey.RevokeParams{}); n != 0 || err != nil {
			t.Errorf("%s: revoked %d, %v", subject, n, err)
		}
	}
}

// Keys that come to the subject while it goes over them are found by the next pass; keys that go
// away to another subject meanwhile are that one's.
func TestRevokeSubjectWhileKeysMove(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	var coming []*apikey.Key // newer than all others, so that the walk is past them when they come
	leaving, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_1"})
	first, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_1"})
	for range 3 {
		key, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_2"})
		coming = append(coming, key)
	}
	move := func(key *apikey.Key, to string) {
		edit(t, store.Store, key, func(r *apikey.Record) { r.Subject = to })
	}
	moved := 0
	store.after = func(call string) error {
		if call == "Replace" && moved < len(coming) { // a key was revoked: now comes the next, and the oldest leaves
			if moved == 0 {
				move(leaving, "user_3")
			}
			move(coming[moved], "user_1")
			moved++
		}
		return nil
	}
	n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{})
	if n != 4 || err != nil {
		t.Errorf("revoked %d, %v; want 4", n, err)
	}
	for i, key := range append(coming, first) {
		if got, err := issuer.Get(t.Context(), key.ID()); err != nil || !got.Revoked() {
			t.Errorf("key %d lives: %v", i, err)
		}
	}
	if got, err := issuer.Get(t.Context(), leaving.ID()); err != nil || got.Revoked() || got.Subject() != "user_3" {
		t.Errorf("the key that left: %s, %v", state(got), err)
	}
}

// Keys that are created at the same time don't keep it going, and those from before all die.
func TestRevokeSubjectWhileKeysAreCreated(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	var old []string
	for range 100 {
		key, _ := newKey(t, issuer, apikey.CreateParams{})
		old = append(old, key.ID())
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	created := make([]int, 4)
	for g := range created {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if _, err := create(t, issuer, "user_1", "key"); err != nil {
						t.Error(err)
						return
					}
					created[g]++
				}
			}
		})
	}
	n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{})
	close(stop)
	wg.Wait()
	if err != nil || n < 100 || n > 100+created[0]+created[1]+created[2]+created[3] {
		t.Errorf("revoked %d, %v", n, err)
	}
	for _, id := range old {
		if key, err := issuer.Get(t.Context(), id); err != nil || !key.Revoked() {
			t.Errorf("a key from before lives: %v", err)
		}
	}
}

// Keys that are created after the call are not its business, or it would run after them for ever.
func TestRevokeSubjectEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		newKey(t, issuer, apikey.CreateParams{})
		newKey(t, issuer, apikey.CreateParams{})
		store.after = func(call string) error {
			if call == "Replace" && store.count(call) < 50 {
				time.Sleep(time.Millisecond)
				newKey(t, newIssuer(t, store.Store, apikey.IssuerOptions{}), apikey.CreateParams{})
			}
			return nil
		}
		if n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); n != 2 || err != nil {
			t.Errorf("revoked %d, %v", n, err)
		}
		if n := store.count("Get"); n != 2 {
			t.Errorf("%d reads to revoke 2 keys: the second pass looks at what is done", n)
		}
		if n, err := issuer.Count(t.Context(), apikey.Query{}); n != 2 || err != nil {
			t.Errorf("%d keys are left, %v, want the 2 that came meanwhile", n, err)
		}
	})
}

// What was done counts beside an error, and a key that can't be revoked does not keep the others
// alive. Keys that are gone are no error.
func TestRevokeSubjectFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is on fire")
	type result struct {
		revoked int
		err     error
	}
	for _, c := range []struct {
		call  string
		fails func(n int) bool // the n-th such call
		want  result
	}{
		{"List", func(int) bool { return true }, result{0, broken}},
		{"List", func(n int) bool { return n == 2 }, result{5, broken}}, // the second pass
		{"Get", func(int) bool { return true }, result{0, broken}},
		{"Replace", func(int) bool { return true }, result{0, broken}},
		{"Get", func(n int) bool { return n == 3 }, result{5, nil}}, // the second pass makes up for it
		{"Replace", func(n int) bool { return n == 3 }, result{5, nil}},
	} {
		store := newHooked()
		issuer := newIssuer(t, store, apikey.IssuerOptions{})
		for range 5 {
			newKey(t, issuer, apikey.CreateParams{})
		}
		store.before = func(call string) error {
			if call == c.call && c.fails(store.count(call)) {
				return broken
			}
			return nil
		}
		n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{})
		if n != c.want.revoked || !errors.Is(err, c.want.err) || err != nil && !errors.Is(err, apikey.ErrUnavailable) {
			t.Errorf("%s: %d revoked, %v; want %v", c.call, n, err, c.want)
		}
		store.before = nil
		if n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); n != 5-c.want.revoked || err != nil {
			t.Errorf("%s: then %d revoked, %v", c.call, n, err)
		}
	}

	// An end of the context ends it.
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	for range 5 {
		newKey(t, issuer, apikey.CreateParams{})
	}
	ctx, cancel := context.WithCancel(t.Context())
	store.after = func(call string) error {
		if call == "Replace" && store.count(call) == 2 {
			cancel()
		}
		return nil
	}
	n, err := issuer.RevokeSubject(ctx, "user_1", apikey.RevokeParams{})
	wantFailure(t, "an ended context", err, apikey.ErrUnavailable, context.Canceled)
	if n != 2 || store.count("Replace") != 2 || store.count("Get") > 3 {
		t.Errorf("%d revoked by %d calls after %d reads", n, store.count("Replace"), store.count("Get"))
	}

	// A key that is deleted between the look at the list and the look at the key.
	store = newHooked()
	issuer = newIssuer(t, store, apikey.IssuerOptions{})
	gone, _ := newKey(t, issuer, apikey.CreateParams{})
	store.before = func(call string) error {
		if call == "Get" && store.count(call) == 1 {
			return store.Store.Delete(t.Context(), idOf(t, gone))
		}
		return nil
	}
	if n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); n != 0 || err != nil {
		t.Errorf("with a key that is deleted meanwhile: %d, %v", n, err)
	}
}
