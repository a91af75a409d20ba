package leak_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// afterwards is a store that has something happen when a write is stored, and returns its error instead.
type afterwards struct {
	*faulty
	stored func(context.Context) error // nil: nothing
}

func (s *afterwards) Replace(ctx context.Context, r *apikey.Record) error {
	if err := s.faulty.Replace(ctx, r); err != nil || s.stored == nil {
		return err
	}
	return s.stored(ctx)
}

// untold is an endpoint whose callback counts, and one key that was rotated.
type untold struct {
	*afterwards
	keys   *apikeytest.Keys
	h      *leak.GitHub
	signer *gitHubKey
	key    *apikey.Key
	old    string
	text   string
	told   int
}

func newUntold(t *testing.T) *untold {
	t.Helper()
	u := &untold{afterwards: &afterwards{faulty: &faulty{Store: memstore.New()}}, signer: newGitHubKey(t)}
	u.keys = apikeytest.New(t, &apikeytest.Options{Store: u.afterwards})
	u.h = newEndpoint(t, u.keys, newGitHub(t, u.signer), leak.GitHubOptions{OnLeak: func(_ context.Context, l leak.GitHubLeak) {
		u.told++
		if !l.Key.Revoked() || l.Key.ID() != u.key.ID() || len(l.Places) != 1 {
			t.Errorf("told of %v at %v", l.Key, l.Places)
		}
	}})
	u.key, u.old = u.keys.Create(t, apikey.CreateParams{})
	_, secret, err := u.keys.Issuer.Rotate(t.Context(), u.key.ID(), apikey.RotateParams{})
	if err != nil {
		t.Fatal(err)
	}
	u.text = secret.Reveal()
	return u
}

// call reports a text, and wants a status and that many tellings since the beginning.
func (u *untold) call(t *testing.T, what, text string, status, told int) {
	t.Helper()
	w := call(t, u.h, u.signer, message(t, findsOf(text)...))
	if wantStatus(t, what, w, status); status == 200 && !strings.Contains(w.Body.String(), truePositive) {
		t.Errorf("%s: %s", what, w.Body)
	}
	if u.told != told {
		t.Errorf("%s: told %d times, want %d", what, u.told, told)
	}
}

// oneRead reports the key again: what is settled costs the read of Recognize, and no more.
func (u *untold) oneRead(t *testing.T) {
	t.Helper()
	reads := 0
	u.set(func(context.Context, apikey.ID) error { reads++; return nil }, nil)
	u.call(t, "once more", u.text, 200, u.told)
	if reads != 1 {
		t.Errorf("%d reads", reads)
	}
}

func down(context.Context, apikey.ID) error { return errors.New("connection reset") }

// A revocation that was stored and is reported as failed is no 200, and its owner is told once all the same: in the
// call, if a look shows that it was stored, or else in the next one.
func TestGitHubLostAnswer(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		stored func(*untold) func(context.Context) error
		told   int // in the first call
	}{
		"reset": {func(u *untold) func(context.Context) error {
			return func(context.Context) error { return errors.New("connection reset") }
		}, 1},
		"reset, and down": {func(u *untold) func(context.Context) error {
			return func(context.Context) error { u.set(down, nil); return errors.New("connection reset") }
		}, 0},
		"panics": {func(u *untold) func(context.Context) error {
			return func(context.Context) error { panic("store") }
		}, 0},
		"hangs": {func(u *untold) func(context.Context) error {
			return func(ctx context.Context) error {
				u.set(func(ctx context.Context, _ apikey.ID) error { return ctx.Err() }, nil)
				<-ctx.Done()
				return ctx.Err()
			}
		}, 0},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				u := newUntold(t)
				u.stored = c.stored(u)
				u.call(t, "the answer is lost", u.text, 503, c.told)
				u.stored = nil
				u.set(nil, nil)
				wantDead(t, u.keys, u.text)
				u.call(t, "again", u.text, 200, 1)
				u.call(t, "once more", u.text, 200, 1)
			})
		})
	}
}

// A revocation whose end is not known is looked for until it is.
func TestGitHubUntold(t *testing.T) {
	t.Parallel()
	ours := apikey.RevokeParams{By: "github-secret-scanning", Reason: "found in public by GitHub secret scanning"}
	revoke := func(t *testing.T, u *untold, p apikey.RevokeParams) {
		t.Helper()
		if _, err := u.keys.Issuer.Revoke(t.Context(), u.key.ID(), p); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("stored late", func(t *testing.T) {
		u := newUntold(t)
		u.set(nil, down)
		u.call(t, "down", u.text, 503, 0)
		u.set(nil, nil)
		u.call(t, "not stored yet, and another secret", u.old, 200, 0)
		wantAlive(t, u.keys, u.text)
		revoke(t, u, ours)
		reads := 0
		u.set(func(context.Context, apikey.ID) error {
			if reads++; reads == 2 { // the look
				return errors.New("connection reset")
			}
			return nil
		}, nil)
		u.call(t, "it can't be looked at", u.text, 503, 0)
		u.call(t, "it can", u.text, 200, 1)
		u.call(t, "once more", u.text, 200, 1)
	})
	for what, p := range map[string]apikey.RevokeParams{
		"by somebody else":      {By: "admin", Reason: ours.Reason},
		"for something else":    {By: ours.By, Reason: "left the company"},
		"by nobody for nothing": {},
	} {
		t.Run(what, func(t *testing.T) {
			u := newUntold(t)
			u.set(nil, down)
			u.call(t, "down", u.text, 503, 0)
			u.set(nil, nil)
			revoke(t, u, p)
			u.call(t, "again", u.text, 200, 0)
			u.oneRead(t)
		})
	}
	t.Run("deleted", func(t *testing.T) {
		u := newUntold(t)
		u.set(nil, down)
		u.call(t, "down", u.text, 503, 0)
		u.set(nil, nil)
		if err := u.keys.Issuer.Delete(t.Context(), u.key.ID()); err != nil {
			t.Fatal(err)
		}
		u.call(t, "again", u.text, 200, 0)
		u.oneRead(t)
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		u := newUntold(t)
		u.set(nil, func(ctx context.Context, _ apikey.ID) error {
			u.set(nil, nil)
			return u.keys.Issuer.Delete(ctx, u.key.ID())
		})
		u.call(t, "deleted under its revocation", u.text, 200, 0)
		u.oneRead(t)
	})
	t.Run("half of it", func(t *testing.T) {
		u := newUntold(t)
		u.set(nil, down)
		u.call(t, "down", u.text, 503, 0)
		revokeNow := func(context.Context, apikey.ID) error { // the first read fails, and there is something to tell
			u.set(nil, nil)
			revoke(t, u, ours)
			return errors.New("connection reset")
		}
		u.set(revokeNow, nil)
		w := call(t, u.h, u.signer, message(t, findsOf(u.old, u.text)...))
		if wantStatus(t, "one can't be judged", w, 503); u.told != 1 {
			t.Errorf("told %d times", u.told)
		}
	})
	t.Run("never begun", func(t *testing.T) { // by another endpoint, say
		u := newUntold(t)
		revoke(t, u, ours)
		u.call(t, "revoked already", u.text, 200, 0)
	})
}
