package apikey_test

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

func TestNewKeyring(t *testing.T) {
	t.Parallel()
	key := func(n int) []byte { return ascending(byte(n), 32) }
	list := func(n int) (keys [][]byte) {
		for i := range n {
			keys = append(keys, key(i))
		}
		return keys
	}
	for what, good := range map[string][][]byte{"one": list(1), "two": list(2), "sixteen": list(16), "zeros": {make([]byte, 32)}} {
		if ring, err := apikey.NewKeyring(good[0], good[1:]...); err != nil || ring == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, bad := range map[string][][]byte{
		"nil":              {nil},
		"empty":            {{}},
		"31 bytes":         {key(1)[:31]},
		"33 bytes":         {ascending(1, 33)},
		"16 bytes":         {key(1)[:16]},
		"64 bytes":         {ascending(1, 64)},
		"hex":              {[]byte(hex.EncodeToString(key(1)))},
		"nil retired":      {key(1), nil},
		"31 bytes retired": {key(1), key(2), key(3)[:31]},
		"twice":            {key(1), key(1)},
		"retired twice":    {key(1), key(2), key(3), key(2)},
		"seventeen":        list(17),
	} {
		ring, err := apikey.NewKeyring(bad[0], bad[1:]...)
		wantInvalid(t, what, err, "keyring")
		if ring != nil {
			t.Errorf("%s: a keyring beside an error", what)
		}
		for _, k := range bad {
			wantNoLeak(t, what, string(k), fmt.Sprint(err))
		}
	}
}

// The keys are the caller's, who may wipe them.
func TestKeyringCopies(t *testing.T) {
	t.Parallel()
	current, retired := ascending(1, 32), ascending(2, 32)
	ring, err := apikey.NewKeyring(current, retired)
	if err != nil {
		t.Fatal(err)
	}
	clear(current)
	clear(retired)
	same, err := apikey.NewKeyring(ascending(1, 32))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := same.Open("l", ring.Seal("l", []byte("data"), nil), nil); err != nil || string(got) != "data" {
		t.Errorf("%q, %v: the keyring changed with the caller's bytes", got, err)
	}
}

// keyringTexts are wrong ways to write a keyring down.
func keyringTexts() map[string]string {
	one := base64.StdEncoding.EncodeToString(ascending(0xf0, 32)) // holds + and /
	two := base64.StdEncoding.EncodeToString(ascending(2, 32))
	var many []string
	for i := range 17 {
		many = append(many, base64.StdEncoding.EncodeToString(ascending(byte(i), 32)))
	}
	return map[string]string{
		"empty":             "",
		"comma":             ",",
		"trailing comma":    one + ",",
		"leading comma":     "," + one,
		"two commas":        one + ",," + two,
		"newline":           one + "\n",
		"newline inside":    one[:10] + "\n" + one[10:],
		"CRLF":              one + "\r\n",
		"space":             " " + one,
		"space after comma": one + ", " + two,
		"semicolon":         one + ";" + two,
		"no padding":        strings.TrimRight(one, "="),
		"more padding":      one + "=",
		"url alphabet":      base64.URLEncoding.EncodeToString(ascending(0xf0, 32)),
		"hex":               hex.EncodeToString(ascending(1, 32)),
		"trailing bits":     one[:42] + string(one[42]+1) + "=",
		"31 bytes":          base64.StdEncoding.EncodeToString(ascending(1, 31)),
		"33 bytes":          base64.StdEncoding.EncodeToString(ascending(1, 33)),
		"twice":             one + "," + one,
		"retired twice":     one + "," + two + "," + two,
		"seventeen":         strings.Join(many, ","),
		"quoted":            `"` + one + `"`,
		"a variable":        "KEYRING=" + one,
		"a million":         strings.Repeat("A", 1e6),
		"a million commas":  strings.Repeat(",", 1e6),
		"not ASCII":         one + "\u00e9",
	}
}

func TestParseKeyring(t *testing.T) {
	t.Parallel()
	var texts []string
	for i := range 16 {
		texts = append(texts, base64.StdEncoding.EncodeToString(ascending(byte(i*16), 32)))
		ring, err := apikey.ParseKeyring(strings.Join(texts, ","))
		if err != nil {
			t.Fatalf("%d keys: %v", i+1, err)
		}
		// The first is the current one.
		alone, err := apikey.NewKeyring(ascending(0, 32))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := alone.Open("l", ring.Seal("l", []byte("data"), nil), nil); err != nil || string(got) != "data" {
			t.Errorf("%d keys: %q, %v", i+1, got, err)
		}
	}
	for what, text := range keyringTexts() {
		ring, err := apikey.ParseKeyring(text)
		wantInvalid(t, what, err, "keyring")
		if ring != nil {
			t.Errorf("%s: a keyring beside an error", what)
		}
		if len(text) < 1e5 {
			wantNoLeak(t, what, text, fmt.Sprint(err))
		}
		if n := len(fmt.Sprint(err)); n > 200 {
			t.Errorf("%s: an error of %d bytes", what, n)
		}
	}
}

// goldenKeyring is a known one: its current key is the bytes 64 to 95.
func goldenKeyring(t testing.TB) *apikey.Keyring {
	t.Helper()
	ring, err := apikey.NewKeyring(ascending(64, 32))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

const goldenKeyringID = 0x19bce5f3 // computed by another program

// keyOf derives a subkey, as the format says.
func keyOf(t testing.TB, purpose string) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, ascending(64, 32), nil, "apikey/v1/keyring/"+purpose, 32)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A credential's MAC is what its description says. If this fails, a Verifier with RequireMAC
// refuses every key that was issued before.
func TestCredentialMAC(t *testing.T) {
	t.Parallel()
	if got := binary.BigEndian.Uint32(keyOf(t, "id")); got != goldenKeyringID {
		t.Fatalf("the keyring's id is %x", got)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Keyring: goldenKeyring(t)}})
	key, first := keys.Create(t, apikey.CreateParams{})
	_, second, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	credentials := stored(t, keys.Store, key.ID()).Credentials
	seen := make(map[string]bool)
	for i, text := range []string{second.Reveal(), first} {
		token, ok := apikey.ParseText(text)
		if !ok {
			t.Fatal("not a key")
		}
		number := byte(2 - i)
		message := append(append([]byte("\x02ak\x10"), token.ID[:]...), 2, 0, number, 24)
		mac := hmac.New(sha256.New, keyOf(t, "mac"))
		mac.Write(append(message, token.Secret[:]...))
		c := credentials[i]
		if want := mac.Sum(nil); !bytes.Equal(c.MAC, want) || c.MACKey != goldenKeyringID || c.Number != uint16(number) {
			t.Errorf("number %d: MAC %x under %x, want %x", c.Number, c.MAC, c.MACKey, want)
		}
		seen[string(c.MAC)] = true
	}
	if len(seen) != 2 {
		t.Error("two credentials have one MAC")
	}

	plain := apikeytest.New(t, nil)
	key, _ = plain.Create(t, apikey.CreateParams{})
	if c := stored(t, plain.Store, key.ID()).Credentials[0]; c.MAC != nil || c.MACKey != 0 {
		t.Errorf("without a keyring: %x under %x", c.MAC, c.MACKey)
	}
}

func FuzzParseKeyring(f *testing.F) {
	for _, text := range keyringTexts() {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	f.Add(base64.StdEncoding.EncodeToString(ascending(1, 32)) + "," + base64.StdEncoding.EncodeToString(ascending(2, 32)))
	f.Fuzz(func(t *testing.T, text string) {
		ring, err := apikey.ParseKeyring(text)
		if err != nil {
			wantInvalid(t, text, err, "keyring")
			if ring != nil {
				t.Error("a keyring beside an error")
			}
			return
		}
		// What is read has one spelling: as many bytes as its keys take.
		if n := strings.Count(text, ",") + 1; len(text) != n*45-1 || n > 16 {
			t.Errorf("%d keys in %d characters", n, len(text))
		}
	})
}
