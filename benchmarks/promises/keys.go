package promises

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// textLen is the length of a key's text with the default prefix.
const textLen = 75

// slot is a text to present and, right behind it, the id of its key. All sides of a comparison read
// their texts and ids from the same slots, so none has them in a better place.
type slot struct {
	text [textLen]byte
	_    [5]byte // 96 bytes, so that each text lies as well as the other
	id   [16]byte
}

// String gives the text without a copy. Nothing writes to a slot that is in use.
func (s *slot) String() string { return unsafe.String(&s.text[0], textLen) }

func newSlot(text string) (s slot, err error) {
	if copy(s.text[:], text) != textLen || len(text) != textLen {
		return s, fmt.Errorf("a key's text has %d characters, not %d", len(text), textLen)
	}
	id, err := apikey.KeyID(text)
	if err != nil {
		return s, err
	}
	_, digits, _ := strings.Cut(id, "_")
	_, err = hex.Decode(s.id[:], []byte(digits))
	return s, err
}

// keys are keys in a store, made by an Issuer with tiny hashes and a keyring.
type keys struct {
	store  apikey.Store
	ring   *apikey.Keyring
	issuer *apikey.Issuer
	slots  []slot
}

func newKeys(ctx context.Context, n int) (*keys, error) {
	return newKeysOn(ctx, memstore.New(), n, allCores())
}

func newKeysOn(ctx context.Context, store apikey.Store, n, workers int) (*keys, error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	ring, err := apikey.NewKeyring(secret)
	if err != nil {
		return nil, err
	}
	k := &keys{store: store, ring: ring, slots: make([]slot, n)}
	if k.issuer, err = tinyIssuer(store, ring); err != nil {
		return nil, err
	}
	return k, each(n, workers, func(i int) error {
		_, secret, err := k.issuer.Create(ctx, example(i))
		if err != nil {
			return err
		}
		k.slots[i], err = newSlot(secret.Reveal())
		return err
	})
}

// tinyIssuer makes keys whose slow hashes cost next to nothing, where they are not what is
// measured, on all cores.
func tinyIssuer(store apikey.Store, ring *apikey.Keyring) (*apikey.Issuer, error) {
	gate, err := hash.NewGate(allCores(), 0, 0)
	if err != nil {
		return nil, err
	}
	return apikey.NewIssuer(store, &apikey.IssuerOptions{
		Keyring: ring, Gate: gate, Argon2: hash.Params{Memory: 8, Time: 1, Threads: 1}})
}

// example is the object in the documentation of the wire format, with names and owners that
// differ from key to key and not in length.
func example(i int) apikey.CreateParams {
	owner := fmt.Sprintf("user_2xhFjEI5X2qWRvtV13BzS%06d", i)
	return apikey.CreateParams{
		Subject: owner, CreatedBy: owner, Name: fmt.Sprintf("MY_SERVICE_%07d", i), Description: "This is my API Key",
		Claims: json.RawMessage(`{"foo":"bar"}`), Scopes: []string{"read", "write"}, ExpiresIn: 90 * 24 * time.Hour,
	}
}

// warmKeys are keys that a Verifier has in its cache, all of them.
type warmKeys struct {
	*keys
	verifier *apikey.Verifier
}

func (k *keys) warm(ctx context.Context) (*warmKeys, error) {
	v, err := apikey.NewVerifier(k.store, &apikey.VerifierOptions{Keyring: k.ring, CacheBytes: k.room()})
	if err != nil {
		return nil, err
	}
	w := &warmKeys{k, v}
	if err := w.verifyAll(ctx); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return w, nil
}

// room is more than the keys need in a cache.
func (k *keys) room() int64 { return 64<<20 + 1024*int64(len(k.slots)) }

func (w *warmKeys) verifyAll(ctx context.Context) error {
	if err := each(len(w.slots), allCores(), func(i int) error {
		_, err := w.verifier.Verify(ctx, w.slots[i].String())
		return err
	}); err != nil {
		return err
	}
	if s := w.verifier.Stats(); s.CachedEntries != len(w.slots) || s.Argon2Runs != 0 {
		return fmt.Errorf("%d of %d keys are cached, after %d runs of argon2", s.CachedEntries, len(w.slots), s.Argon2Runs)
	}
	return nil
}

// each calls f for 0 to n-1 in workers goroutines.
func each(n, workers int, f func(i int) error) error {
	failed := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n && failed[w] == nil; i += workers {
				failed[w] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}
