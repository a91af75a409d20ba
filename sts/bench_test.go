package sts_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// serially and in parallel runs a benchmark in both ways.
func serially(b *testing.B, name string, f func() error) {
	b.Run(name+"/serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := f(); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// An exchange, beside go-jose signing the same payload with a key that is at hand.
func BenchmarkExchange(b *testing.B) {
	f := newFixture(b, nil, sts.ServiceOptions{Keyring: keyring(b, 1)})
	_, text := f.Create(b, apikey.CreateParams{Scopes: []string{"read", "write"}})
	token := f.exchange(b, text, sts.ExchangeParams{})
	ctx := b.Context()
	serially(b, "exchange", func() error {
		_, err := f.service.Exchange(ctx, text, sts.ExchangeParams{})
		return err
	})
	claims, signer, _ := plain(b, token)
	serially(b, "go-jose", func() error {
		signed, err := signer.Sign(claims)
		if err == nil {
			_, err = signed.CompactSerialize()
		}
		return err
	})
}

// A verification in another process, and in the service's own, beside go-jose checking the same signature.
func BenchmarkVerify(b *testing.B) {
	f := newFixture(b, nil, sts.ServiceOptions{Keyring: keyring(b, 1), TTL: 15 * time.Minute})
	_, text := f.Create(b, apikey.CreateParams{Scopes: []string{"read", "write"}})
	token := f.exchange(b, text, sts.ExchangeParams{})
	ctx := b.Context()
	elsewhere, _ := f.remote(b, sts.VerifierOptions{})
	serially(b, "elsewhere", func() error {
		_, err := elsewhere.Verify(ctx, token)
		return err
	})
	here := f.verifier(b)
	serially(b, "service", func() error {
		_, err := here.Verify(ctx, token)
		return err
	})
	_, _, public := plain(b, token)
	plainToken := plainly(b, token)
	serially(b, "go-jose", func() error {
		signed, err := jose.ParseSignedCompact(plainToken, []jose.SignatureAlgorithm{jose.EdDSA})
		if err == nil {
			_, err = signed.Verify(public)
		}
		return err
	})
}

var plainPublic, plainPrivate, _ = ed25519.GenerateKey(rand.Reader)

// plain returns the payload of a token, and a signer and a key of go-jose for it.
func plain(b *testing.B, token string) ([]byte, jose.Signer, ed25519.PublicKey) {
	b.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		b.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: plainPrivate, KeyID: "yBmky11y5nffBUI3XLzmtEQBQUNbwgoqgYrfantcCaQ"}},
		new(jose.SignerOptions).WithType("at+jwt"))
	if err != nil {
		b.Fatal(err)
	}
	return payload, signer, plainPublic
}

// plainly returns the same payload, signed by go-jose.
func plainly(b *testing.B, token string) string {
	b.Helper()
	payload, signer, _ := plain(b, token)
	signed, err := signer.Sign(payload)
	if err != nil {
		b.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// A list of as many deaths as are lately, made and read.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{10, 1000} {
		f := newFixture(b, nil, sts.ServiceOptions{})
		for i := range n {
			key, _ := f.Create(b, apikey.CreateParams{Name: fmt.Sprint(i)})
			if _, err := f.Issuer.Revoke(b.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := f.get("/oauth/revocations"); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				} else {
					b.ReportMetric(float64(w.Body.Len())/float64(n), "bytes/death")
				}
			}
		})
	}
}
