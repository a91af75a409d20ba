package apikey_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// ID1: a lookup by the beginning of an id finds several keys, or another's.
func TestID1_PartOfAnIDFindsNothing(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{})
	for n := range len(key.ID()) {
		_, err := keys.Issuer.Get(t.Context(), key.ID()[:n])
		wantInvalid(t, key.ID()[:n], err, "id")
		_, err = keys.Verifier.Lookup(t.Context(), key.ID()[:n])
		wantRejection(t, key.ID()[:n], err, apikey.ErrMalformed)
	}
	// The same text with a digit of its id gone, or another one, and a checksum that is right.
	for at := 3; at < 25; at++ {
		_, err := keys.Verifier.Verify(t.Context(), withChecksum(text[:at]+text[at+1:69]))
		wantRejection(t, "a digit less", err, apikey.ErrMalformed)
		if _, err := keys.Verifier.Verify(t.Context(), withChecksum(text[:at]+flip(text[at])+text[at+1:69])); err == nil {
			t.Errorf("another digit at %d: accepted", at)
		}
	}
	if _, err := keys.Issuer.Get(t.Context(), key.ID()); err != nil {
		t.Errorf("control: %v", err)
	}
}

// ID3: the id of a deleted key was given to another, and the old secret, or what had been said of the old key, was the new
// one's. Ids ascend, so none comes back; and were a record to come back under one, the old secret would not.
func TestID3_NoIDComesBack(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	last := ""
	for range 300 {
		key, _ := keys.Create(t, apikey.CreateParams{})
		if key.ID() <= last {
			t.Fatalf("%s after %s", key.ID(), last)
		}
		last = key.ID()
		if err := keys.Issuer.Delete(t.Context(), key.ID()); err != nil {
			t.Fatal(err)
		}
	}
	key, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
	if err != nil {
		t.Fatal(err)
	}
	record := stored(t, store, key.ID())
	if err := keys.Issuer.Delete(t.Context(), key.ID()); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), record); err != nil { // restored
		t.Fatal(err)
	}
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "the secret from before", err, apikey.ErrUnknown)
	if _, err := keys.Verifier.Verify(t.Context(), secret.Reveal()); err != nil {
		t.Errorf("control: %v", err)
	}
}

// ID5: of two prefixes one began with the other, and keys of one were taken for the other's. A text is read from the right.
func TestID5_NestedPrefixes(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	nested := []string{"ak", "ak_ak", "ak_a", "a", "ak_0123456789abcdefghijk"}
	texts := map[string]string{}
	for _, prefix := range nested {
		_, texts[prefix] = apikeytest.New(t, &apikeytest.Options{Store: store, Issuer: apikey.IssuerOptions{Prefix: prefix}}).Create(t, apikey.CreateParams{})
	}
	for _, takes := range nested {
		v := apikeytest.New(t, &apikeytest.Options{Store: store, Verifier: apikey.VerifierOptions{Prefixes: []string{takes}}}).Verifier
		for prefix, text := range texts {
			key, err := v.Verify(t.Context(), text)
			if prefix == takes && (err != nil || !strings.HasPrefix(key.ID(), prefix+"_")) {
				t.Errorf("%s: %v, %v", prefix, key, err)
			} else if prefix != takes && err != apikey.ErrMalformed {
				t.Errorf("%s where %s is taken: %v", prefix, takes, err)
			}
		}
	}
}

// ID6, CVE-2026-58426: fields that were signed without their lengths could be cut at another place. Owner and name are one
// text in the index of names, and prefix, id, number and secret are one message, which is compared with a golden one.
func TestCVE_2026_58426_FieldsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{UniqueNames: true})
	whole := "user_1ci"
	for at := 1; at < len(whole); at++ {
		if _, err := create(t, issuer, whole[:at], whole[at:]); err != nil {
			t.Errorf("%s and %s: %v", whole[:at], whole[at:], err)
		}
	}
	_, err := create(t, issuer, "user_1", "ci")
	wantError(t, "control", err, apikey.ErrNameTaken)
	_, err = create(t, issuer, "user_1\x00ci", "x")
	wantInvalid(t, "what stands between the two", err, "Subject")

	seed := ascending(0, 32)
	tags := map[uint64]string{}
	for _, prefix := range []string{"a", "aa", "aaa", "aaaa"} { // "a" is 0x61
		for run := range 4 {
			token := apikey.Token{Prefix: prefix, ID: apikey.ID([]byte(strings.Repeat("a", 16-run) + strings.Repeat("\x00", run)))}
			token.Sign(seed, 1)
			if same, is := tags[token.Tag]; is {
				t.Errorf("%s and %x have the tag of %s", prefix, token.ID, same)
			}
			tags[token.Tag] = prefix
		}
	}
}

// ID8: a key was split at "_", which its other digits could hold, so that one in eight was not read.
func TestID8_EveryTextIsRead(t *testing.T) {
	t.Parallel()
	const many = 200_000
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for n := range many {
		want := randomToken(random, prefixes[n%len(prefixes)])
		text := want.Text()
		if got, ok := apikey.ParseText(text); !ok || got != want {
			t.Fatalf("seed %d: %q is read as %+v, %v; want %+v", seed, text, got, ok, want)
		}
		if strings.Count(text, "_") != strings.Count(want.Prefix, "_")+1 {
			t.Fatalf("seed %d: an underscore among the digits of %q", seed, text)
		}
	}
}
