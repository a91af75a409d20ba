package apikey_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// manyKeys returns the texts of n keys with an expiry.
func manyKeys(b *testing.B, keys *apikeytest.Keys, n int) (texts []string) {
	b.Helper()
	for i := range n {
		_, text := keys.Create(b, apikey.CreateParams{Name: fmt.Sprint("key ", i), ExpiresIn: time.Hour})
		texts = append(texts, text)
	}
	return texts
}

var sink atomic.Uint32 // keeps the compiler from leaving out what is measured

// both runs a benchmark over what is presented, in one goroutine and in one for each core.
func both[T any](b *testing.B, name string, presented []T, f func(T)) {
	b.Run(name+"/serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			f(presented[i%len(presented)])
		}
	})
	b.Run(name+"/parallel", func(b *testing.B) {
		b.ReportAllocs()
		var worker atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for i := int(worker.Add(1)) * 7919; pb.Next(); i++ {
				f(presented[i%len(presented)])
			}
		})
	})
}

// BenchmarkVerify puts beside each other: a warm Verify over 1,000 keys, what one SHA-256 of the
// same texts costs in the same run, and what is refused.
func BenchmarkVerify(b *testing.B) {
	keys := apikeytest.New(b, nil)
	texts := manyKeys(b, keys, 1000)
	ctx := b.Context()
	for _, text := range texts {
		if _, err := keys.Verifier.Verify(ctx, text); err != nil {
			b.Fatal(err)
		}
	}
	both(b, "warm", texts, func(text string) {
		if _, err := keys.Verifier.Verify(ctx, text); err != nil {
			b.Error(err)
		}
	})
	raw := make([][]byte, len(texts))
	for i, text := range texts {
		raw[i] = []byte(text)
	}
	both(b, "SHA-256 of the text", raw, func(text []byte) {
		sum := sha256.Sum256(text)
		if sum[0] == 0 && sum[1] == 0 && sum[2] == 0 && sum[3] == 0 {
			sink.Add(1)
		}
	})
	garbage, forged := make([]string, len(texts)), make([]string, len(texts))
	for i, text := range texts {
		garbage[i] = text[:74] + flip(text[74])
		forged[i] = withChecksum(text[:68] + flip(text[68]))
	}
	both(b, "garbage", garbage, func(text string) {
		if _, err := keys.Verifier.Verify(ctx, text); err != apikey.ErrMalformed {
			b.Error(err)
		}
	})
	both(b, "forged", forged, func(text string) {
		if _, err := keys.Verifier.Verify(ctx, text); err != apikey.ErrUnknown {
			b.Error(err)
		}
	})
}

// BenchmarkCold verifies keys that are not cached.
func BenchmarkCold(b *testing.B) {
	cold := func(b *testing.B, params hash.Params, ring *apikey.Keyring) {
		keys := apikeytest.New(b, &apikeytest.Options{
			Issuer:   apikey.IssuerOptions{Argon2: params, Keyring: ring},
			Verifier: apikey.VerifierOptions{Keyring: ring, CacheBytes: 1}})
		_, text := keys.Create(b, apikey.CreateParams{ExpiresIn: time.Hour})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := keys.Verifier.Verify(b.Context(), text); err != nil {
				b.Error(err)
			}
		}
	}
	ring, err := apikey.NewKeyring(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("argon2id", func(b *testing.B) { cold(b, hash.Default(), nil) })
	b.Run("keyring", func(b *testing.B) { cold(b, apikeytest.Params(), ring) })
}

// BenchmarkUnwatched verifies on a store that does not tell of changes: a read for every call, and
// no argon2 after the first.
func BenchmarkUnwatched(b *testing.B) {
	keys := apikeytest.New(b, &apikeytest.Options{Store: unwatched{memstore.New()}})
	texts := manyKeys(b, keys, 1000)
	both(b, "verify", texts, func(text string) {
		if _, err := keys.Verifier.Verify(b.Context(), text); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkLookup looks warm keys up by their ids.
func BenchmarkLookup(b *testing.B) {
	keys := apikeytest.New(b, nil)
	var ids []string
	for range 1000 {
		key, text := keys.Create(b, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
		ids = append(ids, key.ID())
	}
	both(b, "warm", ids, func(id string) {
		if _, err := keys.Verifier.Lookup(b.Context(), id); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkCreate makes keys with the default costs, and with next to none.
func BenchmarkCreate(b *testing.B) {
	for name, params := range map[string]hash.Params{"argon2id": hash.Default(), "without its cost": apikeytest.Params()} {
		b.Run(name, func(b *testing.B) {
			keys := apikeytest.New(b, &apikeytest.Options{Issuer: apikey.IssuerOptions{Argon2: params}})
			b.ReportAllocs()
			for b.Loop() {
				keys.Create(b, apikey.CreateParams{})
			}
		})
	}
}

// BenchmarkRevokeWarm revokes keys that are warm, and sees each refused.
func BenchmarkRevokeWarm(b *testing.B) {
	keys := apikeytest.New(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		key, text := keys.Create(b, apikey.CreateParams{})
		if _, err := keys.Verifier.Verify(b.Context(), text); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := keys.Issuer.Revoke(b.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			b.Fatal(err)
		}
		if _, err := keys.Verifier.Verify(b.Context(), text); !errors.Is(err, apikey.ErrRevoked) {
			b.Fatal(err)
		}
	}
}
