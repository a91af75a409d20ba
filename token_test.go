package apikey_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// prefixes are valid ones, 1 to 24 characters. A text is read by position from the right, so
// that what a prefix looks like must not matter.
var prefixes = []string{
	"a", "ak", "sk_live", "a_b_c", "a_0", "a0_9z", "ak_ak", "ak_0", "z9", "a_0000000000000000000000",
	"abcdefghijklmnopqrstuvwx", "a_b_c_d_e_f_g_h_i_j_k_lm",
}

// randomToken is reproducible: a failure names its seed.
func randomToken(r *rand.Rand, prefix string) apikey.Token {
	t := apikey.Token{Prefix: prefix, Tag: r.Uint64()}
	for _, b := range [][]byte{t.ID[:8], t.ID[8:], t.Secret[:8], t.Secret[8:16], t.Secret[16:]} {
		word := r.Uint64()
		switch r.IntN(8) {
		case 0:
			word = 0
		case 1:
			word = 1<<64 - 1
		case 2:
			word >>= r.IntN(64)
		}
		binary.BigEndian.PutUint64(b, word)
	}
	return t
}

func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, prefix := range prefixes {
		form := regexp.MustCompile("^" + prefix + "_[0-9A-Za-z]{72}$")
		for range 2000 {
			want := randomToken(r, prefix)
			text := want.Text()
			if !form.MatchString(text) {
				t.Fatalf("seed %d: %+v is spelled %q", seed, want, text)
			}
			if got, ok := apikey.ParseText(text); !ok || got != want {
				t.Fatalf("seed %d: %q is read as %+v, %v; want %+v", seed, text, got, ok, want)
			}
			if id, err := apikey.KeyID(text); err != nil || id != prefix+"_"+hex.EncodeToString(want.ID[:]) {
				t.Fatalf("seed %d: KeyID(%q) = %q, %v", seed, text, id, err)
			}
		}
	}
}

// The form that scanners are told to look for.
func TestTextForm(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^ak_[0-9A-Za-z]{72}$`)
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	for range 200 {
		key, secret := newKey(t, issuer, apikey.CreateParams{})
		text := secret.Reveal()
		if len(text) != 75 || !form.MatchString(text) {
			t.Fatalf("%d characters of another form", len(text))
		}
		if id, err := apikey.KeyID(text); err != nil || id != key.ID() {
			t.Fatalf("KeyID says %s, %v; the key is %s", id, err, key.ID())
		}
	}
}

// golden was computed by another program, from the description of the form: under a seed of the
// bytes 0 to 31, number 1, a secret of the bytes 232 to 255. If this fails, every key that
// anybody has is worthless.
const (
	golden        = "ak_08TV6fuWcE3Bqni0jF420fJznFaMEAbjbKgXngpvOmz1LNILnJccyER002QgfOLfTy0lMAMe"
	goldenID      = "0197a1b2c3d47e5f8a0b1c2d3e4f5061"
	goldenMessage = "02616b100197a1b2c3d47e5f8a0b1c2d3e4f506102000118e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
)

// ascending returns n bytes, each one more than the last.
func ascending(from byte, n int) []byte {
	out := make([]byte, n)
	for i := range out {
		out[i] = from + byte(i)
	}
	return out
}

func goldenToken() apikey.Token {
	token := apikey.Token{Prefix: "ak", Secret: [24]byte(ascending(232, 24))}
	hex.Decode(token.ID[:], []byte(goldenID))
	token.Sign(ascending(0, 32), 1)
	return token
}

func TestGoldenText(t *testing.T) {
	t.Parallel()
	want := goldenToken()
	if got := want.Text(); got != golden {
		t.Errorf("spelled %s, want %s", got, golden)
	}
	if got, ok := apikey.ParseText(golden); !ok || got != want {
		t.Errorf("read as %+v, %v; want %+v", got, ok, want)
	}
}

// The golden key is accepted where it was issued: what is hashed is the golden message.
func TestGoldenKeyVerifies(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	if err := store.SwapValue(t.Context(), "seed", nil, ascending(0, 32)); err != nil {
		t.Fatal(err)
	}
	message, err := hex.DecodeString(goldenMessage)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := hash.New(message, apikeytest.Params())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), &apikey.Record{ID: goldenToken().ID, Prefix: "ak", Subject: "user_1",
		Credentials: []apikey.Credential{{Number: 1, Hash: digest.String()}}}); err != nil {
		t.Fatal(err)
	}
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, err := keys.Verifier.Verify(t.Context(), golden)
	if err != nil || key.ID() != "ak_"+goldenID || key.Number() != 1 {
		t.Errorf("%v, %v", key, err)
	}
}

// Every part of what is signed changes the tag.
func TestTagCoversAll(t *testing.T) {
	t.Parallel()
	seed := ascending(0, 32)
	base := goldenToken()
	tags := map[uint64]string{base.Tag & (1<<48 - 1): "the golden one"}
	try := func(what string, token apikey.Token, seed []byte, number uint16) {
		token.Sign(seed, number)
		if got := token.Tag >> 48; got != uint64(number) {
			t.Errorf("%s: the tag says number %d", what, got)
		}
		mac := token.Tag & (1<<48 - 1)
		if same, ok := tags[mac]; ok {
			t.Errorf("%s has the MAC of %s", what, same)
		}
		tags[mac] = what
	}
	for i := range base.ID {
		token := base
		token.ID[i] ^= 1
		try("another id", token, seed, 1)
	}
	for i := range base.Secret {
		token := base
		token.Secret[i] ^= 1
		try("another secret", token, seed, 1)
	}
	for i := range seed {
		other := bytes.Clone(seed)
		other[i] ^= 1
		try("another seed", base, other, 1)
	}
	for bit := range 16 {
		try("another number", base, seed, 1^1<<bit)
	}
	for _, prefix := range prefixes {
		if prefix != base.Prefix {
			token := base
			token.Prefix = prefix
			try("the prefix "+prefix, token, seed, 1)
		}
	}
}

// A text has one spelling: what is read is spelled the same again.
func FuzzKeyText(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, prefix := range prefixes {
		f.Add(randomToken(r, prefix).Text())
	}
	texts := refused()
	for _, what := range slices.Sorted(maps.Keys(texts)) {
		if text := texts[what]; len(text) < 200 && !strings.Contains(what, " at ") {
			f.Add(text)
		}
	}
	f.Add(golden)
	f.Add("")
	f.Add(strings.Repeat("0", 75))
	f.Fuzz(func(t *testing.T, text string) {
		id, err := apikey.KeyID(text)
		token, ok := apikey.ParseText(text)
		if err != nil {
			if err != apikey.ErrMalformed || id != "" || ok {
				t.Errorf("KeyID(%q) = %q, %v; read: %v", text, id, err, ok)
			}
			return
		}
		if !ok || token.Text() != text {
			t.Errorf("%q is spelled %q again, %v", text, token.Text(), ok)
		}
		if id != token.Prefix+"_"+token.ID.String() || len(token.Prefix) > 24 {
			t.Errorf("KeyID(%q) = %q", text, id)
		}
	})
}
