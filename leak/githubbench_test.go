package leak_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/leak"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// BenchmarkGitHub is one call: of live keys, which are revoked, of the same that are dead by then, of keys of another
// store, and of junk under ids that are alive. The keys of each call are made aside.
func BenchmarkGitHub(b *testing.B) {
	stores := map[string]func(*testing.B) apikey.Store{
		"memstore": func(*testing.B) apikey.Store { return memstore.New() },
		"boltstore": func(b *testing.B) apikey.Store {
			s, err := boltstore.Open(filepath.Join(b.TempDir(), "keys.db"), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			return s
		},
	}
	for _, store := range []string{"memstore", "boltstore"} {
		for _, n := range []int{1000, 10_000} {
			for _, of := range []string{"live", "dead", "foreign", "junk"} {
				b.Run(fmt.Sprintf("%s/%d/%s", store, n, of), func(b *testing.B) {
					benchmarkGitHub(b, stores[store](b), n, of)
				})
			}
		}
	}
}

func benchmarkGitHub(b *testing.B, store apikey.Store, n int, of string) {
	keys := apikeytest.New(b, &apikeytest.Options{Store: store})
	keys.Create(b, apikey.CreateParams{}) // or the store has no seed, and nothing can be told
	from := keys
	if of == "foreign" {
		from = apikeytest.New(b, nil)
	}
	signer := newGitHubKey(b)
	h := newEndpoint(b, keys, newGitHub(b, signer), leak.GitHubOptions{})
	var body string
	fresh := func() {
		leaked := make([]string, n)
		var makers sync.WaitGroup
		for maker := range 64 { // so that they share commits
			makers.Go(func() {
				for i := maker; i < n; i += 64 {
					_, leaked[i] = from.Create(b, apikey.CreateParams{})
					if of == "junk" {
						leaked[i] = junked(leaked[i])
					}
				}
			})
		}
		makers.Wait()
		body = message(b, findsOf(leaked...)...)
	}
	send := func() {
		if w := call(b, h, signer, body); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
	fresh()
	send()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if of == "live" {
			b.StopTimer()
			fresh()
			b.StartTimer()
		}
		send()
	}
}
