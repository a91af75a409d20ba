package boltstore_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/boltstore"
)

// The raw bytes of the file, free pages and all, hold no 8 characters of a secret, nor its
// bytes in any common spelling.
func TestRawFileHoldsNoSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	store, err := boltstore.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := apikey.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store,
		Issuer: apikey.IssuerOptions{Keyring: ring}, Verifier: apikey.VerifierOptions{Keyring: ring}})
	ctx := t.Context()
	var texts []string
	for i := range 50 {
		key, text := keys.Create(t, apikey.CreateParams{Subject: fmt.Sprint("user_", i)})
		_, secret, err := keys.Issuer.Rotate(ctx, key.ID(), apikey.RotateParams{Grace: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text, secret.Reveal())
		for _, text := range texts[len(texts)-2:] {
			if _, err := keys.Verifier.Verify(ctx, text); err != nil {
				t.Fatal(err)
			}
		}
		switch i % 3 {
		case 0:
			_, err = keys.Issuer.Revoke(ctx, key.ID(), apikey.RevokeParams{})
		case 1:
			err = keys.Issuer.Delete(ctx, key.ID())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keys.Verifier.Close()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		secret := text[3+22:] // secret, tag and checksum
		var parts []string
		for i := range len(secret) - 7 {
			parts = append(parts, secret[i:i+8])
		}
		value := secretBytes(secret[:33])
		for i := range len(value) - 5 {
			parts = append(parts, string(value[i:i+6]), hex.EncodeToString(value[i:i+6]))
		}
		parts = append(parts, base64.StdEncoding.EncodeToString(value)[:12])
		for _, part := range parts {
			if at := bytes.Index(raw, []byte(part)); at >= 0 {
				t.Fatalf("a part of a secret stands at byte %d of the file", at)
			}
		}
	}
	if !bytes.Contains(raw, []byte(texts[len(texts)-5][:25])) || !bytes.Contains(raw, []byte("$argon2id$")) {
		t.Error("control: the file does not even hold the hint and the hash")
	}
}

// secretBytes reads digits in base 62, 11 for 8 bytes.
func secretBytes(digits string) (value []byte) {
	for ; digits != ""; digits = digits[11:] {
		var word uint64
		for _, d := range digits[:11] {
			word = word*62 + uint64(strings.IndexRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", d))
		}
		value = binary.BigEndian.AppendUint64(value, word)
	}
	return value
}
