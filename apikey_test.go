package apikey_test

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// The whole life of a key, with the costs and the options that users get.
func TestLifeOfAKey(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memstore.New()
	issuer, err := apikey.NewIssuer(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := apikey.NewVerifier(store, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()

	key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: "user_1", Name: "ci", Scopes: []string{"read"}, ExpiresIn: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	first := secret.Reveal()
	if !regexp.MustCompile(`^ak_[0-9A-Za-z]{72}$`).MatchString(first) || !regexp.MustCompile(`^ak_[0-9a-f]{32}$`).MatchString(key.ID()) {
		t.Errorf("id %s and secret have another form", key.ID())
	}
	for _, pass := range []string{"cold", "warm"} {
		got, err := verifier.Verify(ctx, first)
		if err != nil {
			t.Fatalf("%s: %v", pass, err)
		}
		if got.ID() != key.ID() || got.Subject() != "user_1" || !got.HasScope("read") || got.HasScope("write") || got.Number() != 1 {
			t.Errorf("%s: another key: %v %v", pass, got.ID(), got.Scopes())
		}
	}

	_, secret, err = issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	second := secret.Reveal()
	for i, text := range []string{first, second} {
		got, err := verifier.Verify(ctx, text)
		if err != nil {
			t.Fatalf("secret %d in grace: %v", i+1, err)
		}
		if _, dies := got.SecretNotAfter(); dies != (i == 0) || got.Number() != uint16(i+1) || got.ID() != key.ID() {
			t.Errorf("secret %d: number %d, dies %v", i+1, got.Number(), dies)
		}
	}

	if _, err := issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{Reason: "test is over"}); err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{first, second} {
		var rejected *apikey.RejectedError
		if _, err := verifier.Verify(ctx, text); !errors.Is(err, apikey.ErrRevoked) || !errors.As(err, &rejected) || rejected.KeyID != key.ID() {
			t.Errorf("secret %d of a revoked key: %v", i+1, err)
		}
	}
	s := verifier.Stats()
	if s.Accepted != 4 || s.Revoked != 2 || s.Warm != 1 || s.Argon2Runs != 2 {
		t.Errorf("stats: %+v", s)
	}
}

// Every wrong option is a ValidationError that names it; nil and zero are good.
func TestVerifierOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]apikey.VerifierOptions{
		"Prefixes":         {Prefixes: []string{}},
		"Prefixes ":        {Prefixes: []string{"ak", "Upper"}},
		"RequireMAC":       {RequireMAC: true},
		"Rehash":           {Rehash: hash.Params{Memory: 64}},
		"CacheBytes":       {CacheBytes: -1},
		"MaxStaleness":     {MaxStaleness: -1},
		"LastUsedInterval": {LastUsedInterval: -1},
	} {
		var invalid *apikey.ValidationError
		if field[len(field)-1] == ' ' {
			field = field[:len(field)-1]
		}
		if _, err := apikey.NewVerifier(memstore.New(), &o); !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	var invalid *apikey.ValidationError
	if _, err := apikey.NewVerifier(nil, nil); !errors.As(err, &invalid) || invalid.Field != "store" {
		t.Errorf("nil store: %v", err)
	}
	for _, staleness := range []time.Duration{0, time.Second, time.Minute} {
		slow := &polled{Store: memstore.New(), heartbeat: time.Minute}
		if _, err := apikey.NewVerifier(slow, &apikey.VerifierOptions{MaxStaleness: staleness}); !errors.As(err, &invalid) || invalid.Field != "MaxStaleness" {
			t.Errorf("a staleness of %v with a heartbeat of a minute: %v", staleness, err)
		}
	}
	if v, err := apikey.NewVerifier(memstore.New(), nil); err != nil {
		t.Error(err)
	} else if err := errors.Join(v.Close(), v.Close()); err != nil {
		t.Error(err)
	}
}

// The options are the caller's: changing them later changes nothing.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	prefixes := []string{"ak"}
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Prefixes: prefixes}})
	prefixes[0] = "other"
	_, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Error(err)
	}
}
