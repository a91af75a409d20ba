package apikey_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// A key that is there throughout is seen exactly once, whatever comes and goes meanwhile.
func TestWalkWhileKeysComeAndGo(t *testing.T) {
	t.Parallel()
	for limit := 1; limit <= 7; limit++ {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
		all := newestFirst(t, issuer, 40, apikey.CreateParams{})
		gone := make(map[string]bool)
		var got []string
		for key, err := range issuer.Keys(t.Context(), apikey.Query{Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key.ID())
			newKey(t, issuer, apikey.CreateParams{}) // which is newer than all that come now
			at := slices.Index(all, key.ID())
			for _, id := range []int{at + 2, at - 1} { // one that would come, and one that was
				if id >= 0 && id < len(all) && id%3 == 0 && !gone[all[id]] {
					gone[all[id]] = true
					if err := issuer.Delete(t.Context(), all[id]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if at%5 == 0 && !gone[all[at]] { // the one in hand, where the next page begins
				gone[all[at]] = true
				if err := issuer.Delete(t.Context(), all[at]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.IsSortedFunc(got, func(a, b string) int { return cmp.Compare(b, a) }) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("limit %d: seen %v", limit, got)
		}
		for _, id := range all {
			if !gone[id] && !slices.Contains(got, id) {
				t.Errorf("limit %d: %s was there throughout and was not seen", limit, id)
			}
		}
		for _, id := range got {
			if !slices.Contains(all, id) {
				t.Errorf("limit %d: %s is newer than the walk", limit, id)
			}
		}
	}
}

// The loop may change what it walks over.
func TestWalkAndChange(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	const n = 25
	newestFirst(t, issuer, n, apikey.CreateParams{})
	calls := []string{"Update", "Rotate", "Revoke", "Delete"}
	walked := 0
	for key, err := range issuer.Keys(t.Context(), apikey.Query{Limit: 4}) {
		if err != nil {
			t.Fatal(err)
		}
		call := calls[walked%len(calls)]
		wantError(t, call, byID[call](t.Context(), issuer, key.ID()), nil)
		walked++
	}
	if walked != n {
		t.Errorf("%d of %d keys were seen", walked, n)
	}
}

// A walk asks for no more than it needs.
func TestWalkStops(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	all := newestFirst(t, issuer, 10, apikey.CreateParams{})
	walk := issuer.Keys(t.Context(), apikey.Query{Limit: 2})
	if n := store.count("List"); n != 0 {
		t.Errorf("%d pages were read before the walk began", n)
	}
	var got []string
	for key, err := range walk {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, key.ID()); len(got) == 3 {
			break
		}
	}
	wantSame(t, "until the break", got, all[:3])
	if n := store.count("List"); n != 2 {
		t.Errorf("%d pages were read, want 2", n)
	}
}

// An error ends a walk, comes once and with no key; what came before it was right.
func TestWalkFails(t *testing.T) {
	t.Parallel()
	store := newHooked()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	all := newestFirst(t, issuer, 10, apikey.CreateParams{})
	broken := errors.New("the disk is on fire")
	calls := 0
	store.before = func(string) error {
		if calls++; calls == 3 {
			return broken
		}
		return nil
	}
	var got []string
	var failed []error
	for key, err := range issuer.Keys(t.Context(), apikey.Query{Limit: 2}) {
		if err != nil {
			failed = append(failed, err)
			if key != nil {
				t.Error("a key beside an error")
			}
			continue // a loop that does not stop by itself is stopped
		}
		got = append(got, key.ID())
	}
	wantSame(t, "before the error", got, all[:4])
	if len(failed) != 1 {
		t.Fatalf("%d errors", len(failed))
	}
	wantFailure(t, "the error", failed[0], apikey.ErrUnavailable, broken)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for _, err := range issuer.Keys(ctx, apikey.Query{Limit: 2}) {
		if err != nil {
			wantFailure(t, "an ended context", err, apikey.ErrUnavailable, context.Canceled)
			break
		}
		if seen++; seen == 4 {
			cancel()
		}
	}
	if seen != 4 {
		t.Errorf("%d keys after the end of the context", seen)
	}
	for call, f := range bySubject {
		if call != "Create" {
			wantFailure(t, call+" with an ended context", f(ctx, issuer, "user_1"), apikey.ErrUnavailable, context.Canceled)
		}
	}
}

// sparing answers a List with less than it has, and with nothing at times.
type sparing struct {
	*memstore.Store
	calls int
}

func (s *sparing) List(ctx context.Context, f apikey.Filter, before apikey.ID, limit int) ([]*apikey.Record, apikey.ID, error) {
	s.calls++
	if s.calls%3 == 0 {
		// It looked at a record that does not match: nothing to show, and more to come.
		page, next, err := s.Store.List(ctx, apikey.Filter{}, before, 1)
		if err != nil || len(page) == 0 || f.Match(page[0]) {
			return s.Store.List(ctx, f, before, 1)
		}
		return nil, next, nil
	}
	return s.Store.List(ctx, f, before, min(limit, 2))
}

// A store may answer with less than was asked for; the caller gets full pages all the same.
func TestShortPagesOfTheStore(t *testing.T) {
	t.Parallel()
	store := &sparing{Store: memstore.New()}
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	var all []string
	for range 20 {
		newKey(t, issuer, apikey.CreateParams{Subject: "user_2"})
		key, _ := newKey(t, issuer, apikey.CreateParams{})
		all = append([]string{key.ID()}, all...)
	}
	for limit := 1; limit <= 21; limit++ {
		q := apikey.Query{Subject: "user_1", Limit: limit}
		wantSame(t, "Keys", ids(t, issuer, q), all)
		page, err := issuer.List(t.Context(), q)
		if err != nil || len(page.Keys) != min(limit, 20) {
			t.Errorf("limit %d: %d keys, %v", limit, len(page.Keys), err)
		}
	}
	if n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); n != 20 || err != nil {
		t.Errorf("revoked %d, %v", n, err)
	}
}
