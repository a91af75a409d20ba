package sts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

func TestExchangeAudience(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{})
	for asked, want := range map[string]string{"": audience, audience: audience, issuer: issuer} {
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Audience: asked})
		if err != nil || token.Audience != want || string(payloadOf(t, token.Reveal())["aud"]) != quote(want) {
			t.Errorf("%q: %v, %v", asked, token, err)
		}
	}
	for _, asked := range []string{"https://another.example.com", audience + "/", strings.ToUpper(audience), " ", audience + "\n", "*"} {
		if token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Audience: asked}); token != nil || !errors.Is(err, sts.ErrAudience) || errors.Is(err, apikey.ErrRejected) {
			t.Errorf("%q: %v, %v; want ErrAudience", asked, token, err)
		}
	}
	// Without any, the issuer is the one audience.
	plain, err := sts.NewService(f.Store, f.Verifier, issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := plain.Exchange(t.Context(), text, sts.ExchangeParams{}); err != nil || token.Audience != issuer {
		t.Errorf("%v, %v; want the issuer as the audience", token, err)
	}
	if _, err := plain.Exchange(t.Context(), text, sts.ExchangeParams{Audience: audience}); !errors.Is(err, sts.ErrAudience) {
		t.Error(err)
	}
}

func TestExchangeScopes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read", "write", "admin"}})
	_, none := f.Create(t, apikey.CreateParams{})
	v := f.verifier(t)
	for _, row := range []struct {
		key   string
		asked []string
		want  string // in the token; "none": no member
	}{
		{text, nil, `"read write admin"`}, {text, []string{}, "none"}, {text, []string{"write"}, `"write"`}, {text, []string{"admin", "read"}, `"admin read"`},
		{none, nil, "none"}, {none, []string{}, "none"},
	} {
		token, err := f.service.Exchange(t.Context(), row.key, sts.ExchangeParams{Scopes: row.asked})
		if err != nil {
			t.Errorf("%q: %v", row.asked, err)
			continue
		}
		got, is := payloadOf(t, token.Reveal())["scope"]
		if !is {
			got = []byte("none")
		}
		key, err := v.Verify(t.Context(), token.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(strings.Trim(row.want, `"`))
		if row.want == "none" {
			want = nil
		}
		if string(got) != row.want || !slices.Equal(token.Scopes, want) || !slices.Equal(key.Scopes(), want) {
			t.Errorf("%q: scope %s, Scopes %q, of the key that is verified %q; want %s", row.asked, got, token.Scopes, key.Scopes(), row.want)
		}
	}
	for _, asked := range [][]string{{"delete"}, {"read", "delete"}, {""}, {"read write"}, {"READ"}, {"rea"}, {"readx"}, {" read"}, {"read", ""}, {"*"}} {
		if token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Scopes: asked}); token != nil || !errors.Is(err, sts.ErrScope) || errors.Is(err, apikey.ErrRejected) {
			t.Errorf("%q: %v, %v; want ErrScope", asked, token, err)
		}
	}
	// What the caller does with its slice later changes no token.
	asked := []string{"read", "write"}
	token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{Scopes: asked})
	if err != nil {
		t.Fatal(err)
	}
	if asked[0] = "x"; token.Scopes[0] != "read" {
		t.Error("the token shares the slice of the caller")
	}
}

// One that is asked for twice gives nothing more, and the token can be used.
func TestExchangeScopeTwice(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{Scopes: []string{"read", "write"}})
	key, err := f.verifier(t).Verify(t.Context(), f.exchange(t, text, sts.ExchangeParams{Scopes: []string{"read", "read"}}))
	if err != nil || !key.HasScope("read") || key.HasScope("write") {
		t.Errorf("%v, %v", key, err)
	}
}

func TestExchangeTTL(t *testing.T) {
	t.Parallel()
	for _, service := range []time.Duration{0, 10 * time.Second, time.Minute, 15 * time.Minute} {
		f := newFixture(t, nil, sts.ServiceOptions{TTL: service})
		_, text := f.Create(t, apikey.CreateParams{})
		for _, asked := range []time.Duration{0, 10 * time.Second, 11 * time.Second, 14*time.Minute + 59*time.Second, 15 * time.Minute} {
			want := asked
			if want == 0 {
				want = service
			}
			if want == 0 {
				want = 5 * time.Minute
			}
			token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{TTL: asked})
			if err != nil {
				t.Fatal(err)
			}
			p := payloadOf(t, token.Reveal())
			if got := token.ExpiresAt.Sub(token.IssuedAt); got != want || string(p["exp"]) != fmt.Sprint(token.ExpiresAt.Unix()) || string(p["iat"]) != fmt.Sprint(token.IssuedAt.Unix()) {
				t.Errorf("%v of %v: %v, %s to %s", asked, service, got, p["iat"], p["exp"])
			}
		}
		for _, asked := range []time.Duration{-1, -time.Second, 1, 9 * time.Second, 10*time.Second + 1, 999 * time.Millisecond, 1500 * time.Millisecond, time.Second + 1, 15*time.Minute + 1, 15*time.Minute + time.Second, 1 << 62, -1 << 63} {
			var wrong *apikey.ValidationError
			if token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{TTL: asked}); token != nil || !errors.As(err, &wrong) || wrong.Field != "TTL" {
				t.Errorf("%v: %v, %v; want a ValidationError of TTL", asked, token, err)
			}
		}
	}
}

// A token never outlives its key, nor the secret that was presented (CVE-2020-25816 and its like).
func TestCVE_2020_25816_ExchangeNeverPastItsKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil, sts.ServiceOptions{})
		start := time.Now()
		key, text := f.Create(t, apikey.CreateParams{ExpiresIn: 10 * time.Minute})
		ends := func(text string, want time.Time) *sts.Token {
			t.Helper()
			token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
			if err != nil {
				t.Fatal(err)
			}
			if !token.ExpiresAt.Equal(want) || string(payloadOf(t, token.Reveal())["exp"]) != fmt.Sprint(want.Unix()) {
				t.Errorf("at %v it ends at %v, want %v", time.Since(start), token.ExpiresAt.Sub(start), want.Sub(start))
			}
			return token
		}
		ends(text, start.Add(5*time.Minute))
		time.Sleep(6 * time.Minute)
		ends(text, start.Add(10*time.Minute))
		time.Sleep(500 * time.Millisecond)

		// The old secret dies in 90 s; the new one with the key.
		_, fresh, err := f.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: 90 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		old := ends(text, start.Add(6*time.Minute+90*time.Second)) // of 90.5, rounded down
		ends(fresh.Reveal(), start.Add(10*time.Minute))
		p := payloadOf(t, old.Reveal())
		if n := payloadOf(t, ends(fresh.Reveal(), start.Add(10*time.Minute)).Reveal()); string(p["key_number"]) != "1" || string(n["key_number"]) != "2" {
			t.Errorf("numbers %s and %s", p["key_number"], n["key_number"])
		}
		time.Sleep(90*time.Second - time.Nanosecond)
		if _, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrExpired) {
			t.Errorf("a nanosecond before the secret's end: %v, want ErrExpired", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrUnknown) {
			t.Errorf("at the secret's end: %v, want ErrUnknown", err)
		}
		time.Sleep(time.Until(start.Add(10*time.Minute - time.Second)))
		ends(fresh.Reveal(), start.Add(10*time.Minute))
		time.Sleep(time.Second)
		if _, err := f.service.Exchange(t.Context(), fresh.Reveal(), sts.ExchangeParams{}); !errors.Is(err, apikey.ErrExpired) {
			t.Errorf("at the key's end: %v, want ErrExpired", err)
		}
	})
}

// A key that leaves less than a second to a token, which ends with a whole one, gives none.
func TestExchangeLessThanASecondLeft(t *testing.T) {
	t.Parallel()
	for _, life := range []time.Duration{5 * time.Second, 5250 * time.Millisecond, 5999 * time.Millisecond} {
		for _, left := range []time.Duration{1, time.Millisecond, 500 * time.Millisecond, time.Second - 1, time.Second, 1500 * time.Millisecond} {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil, sts.ServiceOptions{})
				key, text := f.Create(t, apikey.CreateParams{ExpiresIn: life})
				time.Sleep(life - left)
				token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
				var rejected *apikey.RejectedError
				left := left - time.Now().Add(left).Sub(time.Now().Add(left).Truncate(time.Second))
				switch {
				case left < time.Second && (token != nil || !errors.Is(err, apikey.ErrExpired) || !errors.As(err, &rejected) || rejected.KeyID != key.ID()):
					t.Errorf("%v of %v left: %v, %v; want ErrExpired of the key", left, life, token, err)
				case left >= time.Second && (err != nil || time.Until(token.ExpiresAt) != left):
					t.Errorf("%v of %v left: %v, %v", left, life, token, err)
				}
			})
		}
	}
}

// A token has the number of the secret and the key's epoch, by which it dies.
func TestExchangeNumberAndEpoch(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{Scopes: []string{"a", "b", "c"}})
	for epoch, scopes := range [][]string{{"a", "b", "c"}, {"a", "b"}, {"a"}} {
		if epoch > 0 {
			if _, err := f.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: scopes}); err != nil {
				t.Fatal(err)
			}
		}
		_, fresh, err := f.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{}); !errors.Is(err, apikey.ErrUnknown) {
			t.Error("a secret that was rotated away:", err)
		}
		text = fresh.Reveal()
		p := payloadOf(t, f.exchange(t, text, sts.ExchangeParams{}))
		if string(p["key_number"]) != fmt.Sprint(epoch+2) || string(p["key_epoch"]) != fmt.Sprint(epoch) || string(p["client_id"]) != quote(key.ID()) || string(p["sub"]) != `"user_test"` || string(p["iss"]) != quote(issuer) {
			t.Errorf("in epoch %d: %s", epoch, p)
		}
	}
}

// What is refused for the key is refused here, with the error of the Verifier.
func TestExchangeRefusesWhatVerifyDoes(t *testing.T) {
	t.Parallel()
	failing := errors.New("the directory is down")
	f := newFixture(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, k *apikey.Key) error {
		switch k.Subject() {
		case "denied":
			return errors.New("no")
		case "down":
			return fmt.Errorf("%w: %w", apikey.ErrUnavailable, failing)
		}
		return nil
	}}}, sts.ServiceOptions{})
	key, text := f.Create(t, apikey.CreateParams{})
	token := f.exchange(t, text, sts.ExchangeParams{})
	_, denied := f.Create(t, apikey.CreateParams{Subject: "denied"})
	_, down := f.Create(t, apikey.CreateParams{Subject: "down"})
	gone, goneText := f.Create(t, apikey.CreateParams{})
	if err := f.Issuer.Delete(t.Context(), gone.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	for what, row := range map[string]struct {
		text string
		want error
	}{
		"denied": {denied, apikey.ErrDenied}, "revoked": {text, apikey.ErrRevoked}, "deleted": {goneText, apikey.ErrUnknown}, "nothing": {"", apikey.ErrMalformed}, "a token": {token, apikey.ErrMalformed},
		"another key's end": {text[:70] + goneText[70:], apikey.ErrMalformed}, "Check fails": {down, apikey.ErrUnavailable},
	} {
		// The parameters don't matter: nobody learns by them whether a key is good.
		for _, p := range []sts.ExchangeParams{{}, {Audience: "x"}, {Scopes: []string{"x"}}, {TTL: -1}} {
			got, err := f.service.Exchange(t.Context(), row.text, p)
			if got != nil || !errors.Is(err, row.want) || errors.Is(err, apikey.ErrRejected) == (row.want == apikey.ErrUnavailable) {
				t.Errorf("%s: %v, %v; want %v", what, got, err, row.want)
			}
		}
	}
	if _, err := f.service.Exchange(t.Context(), down, sts.ExchangeParams{}); !errors.Is(err, failing) {
		t.Errorf("%v does not wrap its cause", err)
	}
}

func TestExchangeIDs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, nil, sts.ServiceOptions{})
	_, text := f.Create(t, apikey.CreateParams{})
	seen := map[string]bool{}
	for range 10_000 {
		token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
		if err != nil {
			t.Fatal(err)
		}
		if len(token.ID) < 20 || seen[token.ID] {
			t.Fatalf("jti %q: short, or there before", token.ID)
		}
		seen[token.ID] = true
	}
	token, err := f.service.Exchange(t.Context(), text, sts.ExchangeParams{})
	if err != nil || string(payloadOf(t, token.Reveal())["jti"]) != quote(token.ID) {
		t.Errorf("%v, %v: not the jti", token, err)
	}
}
