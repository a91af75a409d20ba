package pgstore_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// presented are keys in a store, by their texts and ids.
type presented struct {
	ring  *apikey.Keyring
	texts []string
	ids   []apikey.ID
}

// scattered is a place in 0 to n-1 that is far from that of i-1, and another one for each i in a row of n.
func scattered(i, n int) int { return i * 7919 % n }

// issue makes n keys as a service does, but that their slow hashes cost next to nothing: with a keyring, they are not computed.
func issue(b *testing.B, s apikey.Store, n int) *presented {
	b.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	ring, err := apikey.NewKeyring(key)
	if err != nil {
		b.Fatal(err)
	}
	gate, err := hash.NewGate(many, 0, 0)
	if err != nil {
		b.Fatal(err)
	}
	keys := apikeytest.New(b, &apikeytest.Options{Store: s, Issuer: apikey.IssuerOptions{Keyring: ring, Gate: gate}})
	p := &presented{ring, make([]string, n), make([]apikey.ID, n)}
	var group sync.WaitGroup
	for w := range many {
		group.Go(func() {
			for i := w; i < n; i += many {
				owner := fmt.Sprintf("user_2xhFjEI5X2qWRvtV13BzS%06d", i/10)
				key, secret, err := keys.Issuer.Create(b.Context(), apikey.CreateParams{
					Subject: owner, CreatedBy: owner, Name: fmt.Sprintf("MY_SERVICE_%07d", i), Description: "This is my API Key",
					Claims: []byte(`{"foo":"bar"}`), Scopes: []string{"read", "write"}, ExpiresIn: 90 * 24 * time.Hour})
				if err != nil {
					b.Error(err)
					return
				}
				_, digits, _ := strings.Cut(key.ID(), "_")
				if _, err := hex.Decode(p.ids[i][:], []byte(digits)); err != nil {
					b.Error(err)
				}
				p.texts[i] = secret.Reveal()
			}
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return p
}

// BenchmarkCold verifies keys that nothing is remembered of, with a keyring, beside a bare SELECT of their rows.
func BenchmarkCold(b *testing.B) {
	const n = 2_000
	t := newTable(b)
	p := issue(b, t, n)
	// The cache holds nothing.
	v, err := apikey.NewVerifier(t, &apikey.VerifierOptions{Keyring: p.ring, CacheBytes: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	if _, err := v.Verify(b.Context(), p.texts[0]); err != nil { // reads the seed, too
		b.Fatal(err)
	}
	before := v.Stats()
	verify := func(_, i int) error {
		_, err := v.Verify(b.Context(), p.texts[scattered(i, n)])
		return err
	}
	bare := t.selects(b, p.ids)
	get := func(_, i int) error {
		_, err := t.Get(b.Context(), p.ids[scattered(i, n)])
		return err
	}
	besides(b, "Verify", verify, bare, 1, 2, many)
	after := v.Stats()
	calls, reads := after.Accepted-before.Accepted, after.StoreReads-before.StoreReads
	if reads != calls || after.Argon2Runs != 0 || after.Warm != 0 {
		b.Errorf("%d calls made %d reads, %d were warm, %d ran argon2", calls, reads, after.Warm, after.Argon2Runs)
	}
	besides(b, "Get", get, bare, 1, 2, many)
}

// selects reads a row as a program would that had no store.
func (t *table) selects(b *testing.B, ids []apikey.ID) call {
	sql := `SELECT version, body, last_used, used FROM ` + t.keys + ` WHERE id = $1`
	return func(_, i int) error {
		var version, lastUsed int64
		var body []byte
		var used []int64
		id := pgtype.UUID{Bytes: ids[scattered(i, len(ids))], Valid: true}
		return t.bare.QueryRow(b.Context(), sql, id).Scan(&version, &body, &lastUsed, &used)
	}
}

// BenchmarkWarm verifies keys that are in the cache, beside the same with bbolt below.
func BenchmarkWarm(b *testing.B) {
	const n = 1_000
	file, err := boltstore.Open(filepath.Join(b.TempDir(), "keys.db"), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	var verifiers [2]*apikey.Verifier
	var calls [2]call
	for i, s := range []apikey.Store{newTable(b), file} {
		p := issue(b, s, n)
		v, err := apikey.NewVerifier(s, &apikey.VerifierOptions{Keyring: p.ring})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { v.Close() })
		verifiers[i] = v
		const batch = 512 // so that the clock is not what is measured
		calls[i] = func(_, i int) error {
			for j := range batch {
				if _, err := v.Verify(b.Context(), p.texts[(i*batch+j)%n]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	var before [2]apikey.Stats
	for i, v := range verifiers {
		for j := range 10 { // until all are in the cache, and the feed has told that it is fresh
			if err := calls[i](0, j); err != nil {
				b.Fatal(err)
			}
		}
		before[i] = v.Stats()
	}
	besides(b, "512 Verify", calls[0], calls[1], 1, 2)
	b.Run("of them warm", func(b *testing.B) {
		for b.Loop() { // it is the same each time
		}
		b.ReportMetric(0, "ns/op")
		for i, name := range []string{"pgstore", "boltstore"} {
			after := verifiers[i].Stats()
			calls, warm := after.Accepted-before[i].Accepted, after.Warm-before[i].Warm
			b.ReportMetric(100*float64(warm)/float64(max(1, calls)), name+"-%")
			b.ReportMetric(float64(after.StoreReads-before[i].StoreReads), name+"-reads")
		}
	})
}
