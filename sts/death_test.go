package sts_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// Whatever takes something from a key takes it from what was derived before: in the process of the
// service before the call returns, elsewhere within Refresh. What takes nothing kills nothing.
func TestDeaths(t *testing.T) {
	t.Parallel()
	const refresh = 5 * time.Second // the default
	update := func(p apikey.UpdateParams) func(context.Context, *fixture, string) error {
		return func(ctx context.Context, f *fixture, id string) error {
			_, err := f.Issuer.Update(ctx, id, p)
			return err
		}
	}
	rotate := func(grace time.Duration) func(context.Context, *fixture, string) error {
		return func(ctx context.Context, f *fixture, id string) error {
			_, _, err := f.Issuer.Rotate(ctx, id, apikey.RotateParams{Grace: grace})
			return err
		}
	}
	for _, c := range []struct {
		what      string
		do        func(context.Context, *fixture, string) error
		here      error // nil: it lives
		elsewhere error
		after     time.Duration // that it still lives
	}{
		{"Revoke", func(ctx context.Context, f *fixture, id string) error {
			_, err := f.Issuer.Revoke(ctx, id, apikey.RevokeParams{})
			return err
		}, apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"RevokeSubject", func(ctx context.Context, f *fixture, id string) error {
			_, err := f.Issuer.RevokeSubject(ctx, "user_1", apikey.RevokeParams{})
			return err
		}, apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"Delete", func(ctx context.Context, f *fixture, id string) error {
			return f.Issuer.Delete(ctx, id)
		}, apikey.ErrUnknown, apikey.ErrRevoked, 0},
		{"Rotate", rotate(0), apikey.ErrUnknown, apikey.ErrUnknown, 0},
		{"Rotate with grace", rotate(time.Minute), apikey.ErrUnknown, apikey.ErrUnknown, time.Minute},
		{"Rotate with a long grace", rotate(time.Hour), nil, nil, 0},
		{"a scope less", update(apikey.UpdateParams{Scopes: []string{"read"}}), apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"a scope that the token does not have", update(apikey.UpdateParams{Scopes: []string{"read", "write"}}), apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"a scope more", update(apikey.UpdateParams{Scopes: []string{"read", "write", "admin", "more"}}), nil, nil, 0},
		{"another order", update(apikey.UpdateParams{Scopes: []string{"admin", "write", "read"}}), nil, nil, 0},
		{"another subject", update(apikey.UpdateParams{Subject: new("user_2")}), apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"other claims", update(apikey.UpdateParams{Claims: json.RawMessage(`{"plan":"free"}`)}), apikey.ErrRevoked, apikey.ErrRevoked, 0},
		{"a description", update(apikey.UpdateParams{Description: new("d")}), nil, nil, 0},
		{"an early expiry", update(apikey.UpdateParams{ExpiresIn: new(30 * time.Second)}), apikey.ErrExpired, apikey.ErrRevoked, 30 * time.Second},
		{"a late expiry", update(apikey.UpdateParams{ExpiresIn: new(time.Hour)}), nil, nil, 0},
		{"disabled", func(ctx context.Context, f *fixture, id string) error {
			_, rid, err := apikey.ParseKeyID(id)
			if err != nil {
				return err
			}
			r, err := f.Store.Get(ctx, rid)
			if err != nil {
				return err
			}
			r.Disabled = true
			return f.Store.Replace(ctx, r)
		}, apikey.ErrDenied, apikey.ErrRevoked, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil, sts.ServiceOptions{TTL: 15 * time.Minute})
				here := f.verifier(t)
				elsewhere, _ := f.remote(t, sts.VerifierOptions{})
				params := apikey.CreateParams{Subject: "user_1", Scopes: []string{"read", "write", "admin"}, Claims: json.RawMessage(`{"plan":"pro"}`)}
				key, text := f.Create(t, params)
				params.Subject = "user_other"
				_, bystander := f.Create(t, params)
				token, other := f.exchange(t, text, sts.ExchangeParams{Scopes: []string{"read"}}), f.exchange(t, bystander, sts.ExchangeParams{})
				for _, v := range []verifier{here, elsewhere} {
					wantAlive(t, "before", v, token)
				}
				time.Sleep(7 * time.Second) // so that the polls are at any time
				start := time.Now()
				if err := c.do(t.Context(), f, key.ID()); err != nil {
					t.Fatal(err)
				}
				defer func() {
					wantAlive(t, "a bystander here", here, other)
					wantAlive(t, "a bystander elsewhere", elsewhere, other)
				}()
				if c.here == nil {
					time.Sleep(2 * time.Minute)
					wantAlive(t, "here", here, token)
					wantAlive(t, "elsewhere", elsewhere, token)
					return
				}
				if c.after == 0 {
					wantDead(t, "here, at once", here, token, c.here)
				} else {
					wantAlive(t, "here, at first", here, token)
					time.Sleep(time.Until(start.Add(c.after - time.Millisecond)))
					wantAlive(t, "here, until then", here, token)
					wantAlive(t, "elsewhere, until then", elsewhere, token)
					time.Sleep(time.Millisecond)
					wantDead(t, "here, then", here, token, c.here)
				}
				took, err := refusedAfter(t, elsewhere, token)
				if !errors.Is(err, c.elsewhere) || time.Since(start)-c.after > refresh {
					t.Errorf("elsewhere %v after %v; want %v within %v", err, took, c.elsewhere, refresh)
				}
				// It stays dead as long as it could live, and then it is expired.
				time.Sleep(time.Until(start.Add(14 * time.Minute)))
				wantDead(t, "here, later", here, token, c.here)
				wantDead(t, "elsewhere, later", elsewhere, token, c.elsewhere)
				time.Sleep(2 * time.Minute)
				wantDead(t, "here, at last", here, token, apikey.ErrExpired)
				wantDead(t, "elsewhere, at last", elsewhere, token, apikey.ErrExpired)
				other = f.exchange(t, bystander, sts.ExchangeParams{})
			})
		})
	}
}

// A scope that is given back revives nothing, and kills nothing that is derived then.
func TestCutScopesStayCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		here := f.verifier(t)
		elsewhere, _ := f.remote(t, sts.VerifierOptions{})
		key, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read", "write"}})
		old := f.exchange(t, text, sts.ExchangeParams{})
		wantAlive(t, "elsewhere", elsewhere, old)
		for _, scopes := range [][]string{{"read"}, {"read", "write"}} {
			if _, err := f.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: scopes}); err != nil {
				t.Fatal(err)
			}
		}
		fresh := f.exchange(t, text, sts.ExchangeParams{})
		for range 3 {
			wantDead(t, "the old one here", here, old, apikey.ErrRevoked)
			wantAlive(t, "the new one here", here, fresh)
			wantAlive(t, "the new one elsewhere", elsewhere, fresh)
			time.Sleep(5 * time.Second)
			wantDead(t, "the old one elsewhere", elsewhere, old, apikey.ErrRevoked)
		}
	})
}

// A token of the new secret lives, one of the old does not.
func TestNumbers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		here := f.verifier(t)
		elsewhere, _ := f.remote(t, sts.VerifierOptions{})
		key, first := f.Create(t, apikey.CreateParams{})
		_, second, err := f.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		tokens := []string{f.exchange(t, first, sts.ExchangeParams{}), f.exchange(t, second.Reveal(), sts.ExchangeParams{})}
		_, third, err := f.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, f.exchange(t, third.Reveal(), sts.ExchangeParams{}))
		for i, token := range tokens {
			wantAlive(t, "here", here, token)
			wantAlive(t, "elsewhere", elsewhere, token)
			if got, _ := here.Verify(t.Context(), token); got == nil || got.Credentials()[0].Number != uint16(i+1) {
				t.Errorf("%v is not of number %d", got, i+1)
			}
		}
		time.Sleep(15 * time.Second)
		for _, v := range []verifier{here, elsewhere} {
			wantDead(t, "the first", v, tokens[0], apikey.ErrUnknown)
			wantDead(t, "the second", v, tokens[1], apikey.ErrUnknown)
			wantAlive(t, "the third", v, tokens[2])
		}
	})
}

// A key that this process does not take has no tokens here either.
func TestPrefixes(t *testing.T) {
	t.Parallel()
	store, ring := memstore.New(), keyring(t, 1)
	all := newFixture(t, &apikeytest.Options{Store: store}, sts.ServiceOptions{Keyring: ring})
	some := newFixture(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Prefixes: []string{"other"}}}, sts.ServiceOptions{Keyring: ring})
	_, text := all.Create(t, apikey.CreateParams{})
	token := all.exchange(t, text, sts.ExchangeParams{})
	wantAlive(t, "taken", all.verifier(t), token)
	wantDead(t, "not taken", some.verifier(t), token, apikey.ErrUnknown)
}

// Whoever says no of a key by Check says it of its tokens, in the process of the service.
func TestCVE_2024_21635_CheckRefusesTokens(t *testing.T) {
	t.Parallel()
	var denied bool
	f := newFixture(t, checked(func() bool { return denied }), sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{})
	token := f.exchange(t, text, sts.ExchangeParams{})
	wantAlive(t, "allowed", f.verifier(t), token)
	denied = true
	wantDead(t, "denied", f.verifier(t), token, apikey.ErrDenied)
	if _, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrDenied) {
		t.Errorf("exchanged: %v", err)
	}
}
