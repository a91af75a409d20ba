package apikey_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// create makes a key of this owner and name and returns what Create says.
func create(t testing.TB, i *apikey.Issuer, subject, name string) (*apikey.Key, error) {
	t.Helper()
	key, _, err := i.Create(t.Context(), apikey.CreateParams{Subject: subject, Name: name})
	return key, err
}

func TestUniqueNames(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{UniqueNames: true})
	first, err := create(t, issuer, "user_1", "ci")
	wantError(t, "the first", err, nil)
	_, err = create(t, issuer, "user_1", "ci")
	wantError(t, "the second", err, apikey.ErrNameTaken)
	// Exactly this name, of exactly this owner. The last ones would collide if the two were
	// put together carelessly.
	for _, c := range [][2]string{{"user_2", "ci"}, {"user_1", "CI"}, {"user_1", "ci "}, {"user_1", "c"}, {"user_", "1ci"}, {"user_1c", "i"}} {
		_, err := create(t, issuer, c[0], c[1])
		wantError(t, c[0]+" "+c[1], err, nil)
	}
	if _, err := issuer.Revoke(t.Context(), first.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	second, err := create(t, issuer, "user_1", "ci")
	wantError(t, "after the revocation", err, nil)
	// A second Revoke of the old one must not free the name again.
	if _, err := issuer.Revoke(t.Context(), first.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	_, err = create(t, issuer, "user_1", "ci")
	wantError(t, "held by the second", err, apikey.ErrNameTaken)
	if err := issuer.Delete(t.Context(), second.ID()); err != nil {
		t.Fatal(err)
	}
	_, err = create(t, issuer, "user_1", "ci")
	wantError(t, "after the deletion", err, nil)
	if n, err := issuer.RevokeSubject(t.Context(), "user_1", apikey.RevokeParams{}); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	_, err = create(t, issuer, "user_1", "ci")
	wantError(t, "after RevokeSubject", err, nil)

	// Without the option names are free, also for those who have it.
	lax := newIssuer(t, store, apikey.IssuerOptions{})
	for range 2 {
		_, err = create(t, lax, "user_1", "ci")
		wantError(t, "without the option", err, nil)
	}
}

// An expired key holds its name: a store's index does not follow the clock, and the key can be revived.
func TestExpiredKeysHoldTheirNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{UniqueNames: true})
		key, _ := newKey(t, issuer, apikey.CreateParams{ExpiresIn: time.Second})
		time.Sleep(time.Hour)
		_, err := create(t, issuer, "user_1", "key")
		wantError(t, "held by an expired key", err, apikey.ErrNameTaken)
		if _, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{ExpiresIn: new(time.Hour)}); err != nil {
			t.Errorf("revive: %v", err)
		}
	})
}

// A key takes its name along to its next owner, if it is free there.
func TestUpdateMovesNames(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{UniqueNames: true})
	mine, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_1"})
	theirs, _ := newKey(t, issuer, apikey.CreateParams{Subject: "user_2"})
	before := encoded(t, store, mine)
	move := func(key *apikey.Key, to string) error {
		_, err := issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Subject: &to, Description: new("moved")})
		return err
	}
	wantError(t, "to where the name is taken", move(mine, "user_2"), apikey.ErrNameTaken)
	if encoded(t, store, mine) != before {
		t.Error("the key that could not be moved was changed")
	}
	wantError(t, "to where it is", move(mine, "user_1"), nil)
	wantError(t, "to where it is free", move(mine, "user_3"), nil)
	_, err := create(t, issuer, "user_1", "key")
	wantError(t, "where it was", err, nil)
	_, err = create(t, issuer, "user_3", "key")
	wantError(t, "where it is now", err, apikey.ErrNameTaken)
	if _, err := issuer.Revoke(t.Context(), theirs.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	wantError(t, "to where it was taken", move(mine, "user_2"), nil)

	// Who moves a key with unique names makes its name unique, whoever issued it.
	lax := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, lax, apikey.CreateParams{Subject: "user_4"})
	wantError(t, "one without a unique name", move(key, "user_2"), apikey.ErrNameTaken)
	wantError(t, "one without a unique name, to a free one", move(key, "user_5"), nil)
	_, err = create(t, issuer, "user_5", "key")
	wantError(t, "where that is now", err, apikey.ErrNameTaken)
}

// Of those who race for a name exactly one gets it.
func TestRacesForAName(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	for round := range 10 {
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, err := create(t, newIssuer(t, store, apikey.IssuerOptions{UniqueNames: true}), "user_1", string(rune('a'+round)))
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, apikey.ErrNameTaken):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := won.Load(); n != 1 {
			t.Errorf("%d of 16 got the name", n)
		}
	}
	if n, err := store.Count(t.Context(), apikey.Filter{}); n != 10 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}
