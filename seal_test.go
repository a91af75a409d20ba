package apikey_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 1)
	for _, data := range [][]byte{nil, []byte("x"), []byte("some data"), make([]byte, 1<<16)} {
		for _, ad := range [][]byte{nil, []byte("ad"), make([]byte, 1<<10)} {
			for _, label := range []string{"", "signing-key", "a/b"} {
				sealed := ring.Seal(label, data, ad)
				got, err := ring.Open(label, sealed, ad)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%q with ad of %d: %d bytes, %v; want %d", label, len(ad), len(got), err, len(data))
				}
				if len(data) > 4 && bytes.Contains(sealed, data) {
					t.Errorf("%q: the sealed value holds the data", label)
				}
			}
		}
	}
	if bytes.Equal(ring.Seal("l", []byte("data"), nil), ring.Seal("l", []byte("data"), nil)) {
		t.Error("two seals of the same are the same: the nonce is not random")
	}
}

// A sealed value has the form it is described with. If this fails, no value that anybody has
// stored opens again.
func TestSealedForm(t *testing.T) {
	t.Parallel()
	sealed := goldenKeyring(t).Seal("signing-key", []byte("data"), []byte("ad"))
	if len(sealed) != 5+12+len("data")+16 || sealed[0] != 1 || binary.BigEndian.Uint32(sealed[1:]) != goldenKeyringID {
		t.Fatalf("%x has another form", sealed)
	}
	block, err := aes.NewCipher(keyOf(t, "seal/signing-key"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	ad := append(bytes.Clone(sealed[:5]), "ad"...)
	if got, err := gcm.Open(nil, sealed[5:17], sealed[17:], ad); err != nil || string(got) != "data" {
		t.Errorf("%q, %v", got, err)
	}
}

// wantSealed checks that a value does not open, and is not part of the error.
func wantSealed(t testing.TB, what string, ring *apikey.Keyring, label string, sealed, ad []byte) {
	t.Helper()
	if data, err := ring.Open(label, sealed, ad); !errors.Is(err, apikey.ErrSealed) || data != nil {
		t.Errorf("%s: %q, %v; want ErrSealed", what, data, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 1)
	data, ad := []byte("some data"), []byte("ad")
	sealed := ring.Seal("label", data, ad)
	if got, err := ring.Open("label", sealed, ad); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("control: %q, %v", got, err)
	}
	for _, label := range []string{"", "labe", "labels", "Label", "label\x00", "label/"} {
		wantSealed(t, "label "+label, ring, label, sealed, ad)
	}
	for _, other := range []string{"", "a", "adx", "AD", "ad\x00"} {
		wantSealed(t, "ad "+other, ring, "label", sealed, []byte(other))
	}
	for i := range sealed {
		for bit := range 8 {
			flipped := bytes.Clone(sealed)
			flipped[i] ^= 1 << bit
			wantSealed(t, fmt.Sprintf("bit %d of byte %d", bit, i), ring, "label", flipped, ad)
		}
		wantSealed(t, fmt.Sprintf("%d bytes", i), ring, "label", sealed[:i], ad)
	}
	wantSealed(t, "nil", ring, "label", nil, ad)
	wantSealed(t, "a byte more", ring, "label", append(bytes.Clone(sealed), 0), ad)
	wantSealed(t, "a byte before", ring, "label", append([]byte{1}, sealed...), ad)
	wantSealed(t, "a foreign key", ringOf(t, 2), "label", sealed, ad)
	wantSealed(t, "moved bytes of ad and data", ring, "label", sealed[:len(sealed)-1], append([]byte{sealed[len(sealed)-1]}, ad...))
}

// A key is retired before it is gone, so that what it sealed opens meanwhile.
func TestOpenWithRetiredKeys(t *testing.T) {
	t.Parallel()
	sealed := ringOf(t, 1).Seal("label", []byte("data"), nil)
	for what, ring := range map[string]*apikey.Keyring{"retired": ringOf(t, 2, 1), "retired last": ringOf(t, 4, 3, 2, 1), "current again": ringOf(t, 1, 2)} {
		if got, err := ring.Open("label", sealed, nil); err != nil || string(got) != "data" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	wantSealed(t, "gone", ringOf(t, 2, 3), "label", sealed, nil)
	// What is sealed now is sealed under the current key.
	fresh := ringOf(t, 2, 1).Seal("label", []byte("data"), nil)
	wantSealed(t, "by the retired key alone", ringOf(t, 1), "label", fresh, nil)
	if got, err := ringOf(t, 2).Open("label", fresh, nil); err != nil || string(got) != "data" {
		t.Errorf("by the current key alone: %q, %v", got, err)
	}
}

// What goes in and out is the caller's.
func TestSealCopies(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 1)
	room := append(make([]byte, 0, 100), "data"...)
	ad := append(make([]byte, 0, 100), "ad"...)
	sealed := ring.Seal("label", room, ad)
	if string(room[:8]) != "data\x00\x00\x00\x00" || string(ad[:8]) != "ad\x00\x00\x00\x00\x00\x00" {
		t.Error("Seal wrote behind its arguments")
	}
	before := bytes.Clone(sealed)
	got, err := ring.Open("label", sealed, ad)
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	if !bytes.Equal(sealed, before) || string(ad[:8]) != "ad\x00\x00\x00\x00\x00\x00" {
		t.Error("Open changed what it was given")
	}
}

func TestKeyringConcurrently(t *testing.T) {
	t.Parallel()
	ring := ringOf(t, 1, 2)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				label := fmt.Sprint("label ", (g+i)%5)
				data := fmt.Append(nil, g, i)
				if got, err := ring.Open(label, ring.Seal(label, data, data), data); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	ring := goldenKeyring(f)
	f.Add([]byte("data"), []byte("ad"), []byte{})
	f.Add([]byte{}, []byte{}, ring.Seal("label", []byte("data"), nil))
	f.Add([]byte{1}, []byte{0}, []byte{1, 0x19, 0xbc, 0xe5, 0xf3})
	f.Fuzz(func(t *testing.T, data, ad, sealed []byte) {
		good := ring.Seal("label", data, ad)
		if got, err := ring.Open("label", good, ad); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%q, %v; want %q", got, err, data)
		}
		wantSealed(t, "anything", ring, "another label", sealed, ad) // nothing was ever sealed under it
		if len(sealed) > 0 {
			changed := bytes.Clone(good)
			for i, b := range sealed {
				changed[i%len(changed)] ^= b
			}
			if !bytes.Equal(changed, good) {
				wantSealed(t, "changed", ring, "label", changed, ad)
			}
		}
	})
}
