package apikey_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
	"github.com/seed-d3a9fb6b/apikey/store/storetest"
)

// secretParts are all 8 characters in a row of the secret digits, the tag and the checksum, and the secret's
// bytes as programs print bytes. The prefix and the id are no secrets.
func secretParts(text string) (parts []string) {
	secret := text[len(text)-72+22:]
	for i := range len(secret) - 7 {
		parts = append(parts, secret[i:i+8])
	}
	var raw []byte
	for w := 0; w < 33; w += 11 {
		var word uint64
		for _, c := range secret[w : w+11] {
			word = word*62 + uint64(strings.IndexRune(base62, c))
		}
		raw = binary.BigEndian.AppendUint64(raw, word)
	}
	for i := range len(raw) - 5 {
		part := raw[i : i+6]
		parts = append(parts, string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)),
			strings.Trim(fmt.Sprint(part), "[]"))
	}
	return append(parts, base64.StdEncoding.EncodeToString(raw)[:16], base64.StdEncoding.EncodeToString(raw[1:])[:16], base64.StdEncoding.EncodeToString(raw[2:])[:16])
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// No secret, and no 8 characters of one, is in any error, log line, statistic or stored byte.
func TestCVE_2025_4166_NoSecretLeaks(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	say := func(values ...any) {
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			if b, err := json.Marshal(v); err == nil {
				out.Write(b)
			}
			if err, ok := v.(error); ok {
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&out, "%+v %#v\n", err, err)
				}
			}
		}
	}
	var texts []string
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	play := func(store apikey.Store) {
		ctx := t.Context()
		gate, err := hash.NewGate(1, 1, time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		issuer, err := apikey.NewIssuer(store, &apikey.IssuerOptions{Argon2: apikeytest.Params(), Logger: log, Keyring: ringOf(t, 1)})
		if err != nil {
			t.Fatal(err)
		}
		deny := errors.New("denied by the owner")
		verifier, err := apikey.NewVerifier(store, &apikey.VerifierOptions{Logger: log, Rehash: hash.Params{Memory: 16, Time: 1, Threads: 1}, Gate: gate,
			Check: func(_ context.Context, k *apikey.Key) error {
				if k.Subject() == "denied" {
					return deny
				}
				return nil
			}})
		if err != nil {
			t.Fatal(err)
		}
		for _, subject := range []string{"u", "denied"} {
			key, secret, err := issuer.Create(ctx, apikey.CreateParams{Subject: subject, Name: "n"})
			say(key, secret, &secret, struct{ s apikey.Secret }{secret}, []apikey.Secret{secret}, err)
			if err != nil {
				continue
			}
			text := secret.Reveal()
			texts = append(texts, text)
			for _, presented := range []string{text, text, text[:74], text + "x", " " + text, text[:74] + "!", withChecksum(text[:68] + "0"), strings.ToUpper(text)} {
				k, err := verifier.Verify(ctx, presented)
				say(k, err)
				k, err = verifier.Recognize(ctx, presented)
				say(k, err)
				k, err = verifier.Lookup(ctx, presented)
				say(k, err)
				k, err = issuer.Get(ctx, presented)
				say(k, err)
				_, err = issuer.Update(ctx, presented, apikey.UpdateParams{})
				say(err)
				_, err = issuer.List(ctx, apikey.Query{Cursor: presented})
				say(err)
				_, _, err = issuer.Create(ctx, apikey.CreateParams{Subject: "u", Name: "n", Type: presented})
				say(err)
				_, err = apikey.ParseKeyring(presented)
				say(err)
				id, err := apikey.KeyID(presented)
				say(id, err)
			}
			if k, s2, err := issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Minute}); err == nil {
				texts = append(texts, s2.Reveal())
				say(k, s2)
			}
			_, err = issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{})
			say(err)
			k, err := verifier.Verify(ctx, text)
			say(k, err)
		}
		say(verifier.Stats(), issuer)
		verifier.Close()
		k, err := verifier.Verify(ctx, texts[0])
		say(k, err)
	}
	for n := range 40 {
		for _, after := range []bool{false, true} {
			inner := memstore.New()
			play((&storetest.Fault{Call: n, After: after}).Wrap(inner))
			page, _, err := inner.List(t.Context(), apikey.Filter{}, apikey.ID{}, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				b, err := r.MarshalBinary()
				if err != nil {
					t.Error(err)
				}
				out.Write(b)
				say(r)
			}
		}
	}
	small := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{CacheBytes: 1}})
	_, text := small.Create(t, apikey.CreateParams{})
	if _, err := small.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	texts = append(texts, text)
	small.Verifier.Close()
	say(small.Verifier, small)
	if len(texts) < 80 || out.Len() < 100_000 {
		t.Fatalf("only %d secrets and %d bytes to search", len(texts), out.Len())
	}
	canaries := make(map[string][]string) // by the first six bytes
	for _, text := range texts {
		for _, part := range secretParts(text) {
			canaries[part[:6]] = append(canaries[part[:6]], part)
		}
	}
	found := func(printed string) (string, bool) {
		for i := range len(printed) - 6 {
			for _, part := range canaries[printed[i:i+6]] {
				if strings.HasPrefix(printed[i:], part) {
					return fmt.Sprintf("%.80q", printed[max(0, i-60):]), true
				}
			}
		}
		return "", false
	}
	if where, leaked := found(out.String()); leaked {
		t.Errorf("a part of a secret was printed: …%s", where)
	}
	if _, leaked := found("x" + texts[0] + "x"); !leaked {
		t.Error("control: the search finds nothing")
	}
}
