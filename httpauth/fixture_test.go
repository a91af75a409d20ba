package httpauth_test

import (
	"context"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// request returns one with these headers, given as name, value, name, value.
func request(t testing.TB, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// whoami answers with the subject of the key in the request's context.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	key, ok := apikey.FromContext(r.Context())
	if !ok {
		w.Write([]byte("nobody"))
		return
	}
	w.Write([]byte(key.Subject()))
})

// verify is a Verifier made of a function.
type verify func(context.Context, string) (*apikey.Key, error)

func (f verify) Verify(ctx context.Context, credential string) (*apikey.Key, error) {
	return f(ctx, credential)
}

func always(key *apikey.Key, err error) verify {
	return func(context.Context, string) (*apikey.Key, error) { return key, err }
}

// refusal is a text that is refused, and why.
type refusal struct {
	what, text string
	reason     error
	keyID      string // where it may be known
}

// refusals returns a Verifier, the text of a key that it accepts, and one for each way of
// being refused.
func refusals(t *testing.T) (v *apikey.Verifier, good string, bad []refusal) {
	t.Helper()
	var denied string
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, key *apikey.Key) error {
		if key.ID() == denied {
			return errors.New("the owner has left")
		}
		return nil
	}}})
	add := func(what string, reason error, kill func(*apikey.Key) error) {
		key, text := keys.Create(t, apikey.CreateParams{Name: what})
		if err := kill(key); err != nil {
			t.Fatal(err)
		}
		bad = append(bad, refusal{what, text, reason, key.ID()})
	}
	edit := func(change func(*apikey.Record)) func(*apikey.Key) error {
		return func(key *apikey.Key) error {
			var id apikey.ID
			hex.Decode(id[:], []byte(key.ID()[len("ak_"):]))
			r, err := keys.Store.Get(t.Context(), id)
			if err != nil {
				return err
			}
			change(r)
			return keys.Store.Replace(t.Context(), r)
		}
	}

	_, good = keys.Create(t, apikey.CreateParams{Subject: "user_good", Scopes: []string{"read", "write"}})
	_, foreign := apikeytest.New(t, nil).Create(t, apikey.CreateParams{})
	bad = []refusal{
		{"malformed", good[:len(good)-1] + "!", apikey.ErrMalformed, ""},
		{"unknown", foreign, apikey.ErrUnknown, ""},
	}
	add("wrong", apikey.ErrUnknown, edit(func(r *apikey.Record) { r.Credentials[0].Hash = other(t, keys) }))
	add("rotated away", apikey.ErrUnknown, func(key *apikey.Key) error {
		_, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
		return err
	})
	add("expired", apikey.ErrExpired, edit(func(r *apikey.Record) { r.ExpiresAt = time.UnixMilli(1e12).UTC() }))
	add("revoked", apikey.ErrRevoked, func(key *apikey.Key) error {
		_, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: "leaked"})
		return err
	})
	add("denied", apikey.ErrDenied, func(key *apikey.Key) error {
		denied = key.ID()
		return nil
	})
	return keys.Verifier, good, bad
}

// other returns the hash of another secret.
func other(t *testing.T, keys *apikeytest.Keys) string {
	t.Helper()
	keys.Create(t, apikey.CreateParams{Name: "other"})
	page, _, err := keys.Store.List(t.Context(), apikey.Filter{NameFold: "OTHER"}, apikey.ID{}, 1)
	if err != nil || len(page) != 1 {
		t.Fatal(page, err)
	}
	return page[0].Credentials[0].Hash
}

// withChecksum completes the text of a key, which anybody can.
func withChecksum(body string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var sum [6]byte
	for i, n := 5, crc32.ChecksumIEEE([]byte(body)); i >= 0; i, n = i-1, n/62 {
		sum[i] = digits[n%62]
	}
	return body + string(sum[:])
}
