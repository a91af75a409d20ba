package apikey_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// What holds keys and seeds can be printed in whatever it is nested, and shows none of them.
func TestCVE_2025_62705_NothingPrintsKeysAndSeeds(t *testing.T) {
	t.Parallel()
	current, retired := string(ascending(11, 32)), string(ascending(101, 32))
	ring, err := apikey.NewKeyring([]byte(current), []byte(retired))
	if err != nil {
		t.Fatal(err)
	}
	ring.Seal("so that a cipher is there", nil, nil)
	issuerOptions := apikey.IssuerOptions{Keyring: ring}
	verifierOptions := apikey.VerifierOptions{Keyring: ring, RequireMAC: true}
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: issuerOptions, Verifier: verifierOptions})
	key, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil { // so that the seed is read and the cache is warm
		t.Fatal(err)
	}
	seed, err := keys.Store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	type nested struct {
		ring     *apikey.Keyring
		issuer   *apikey.Issuer
		verifier *apikey.Verifier
		key      *apikey.Key
		any      any
	}
	for what, v := range map[string]any{
		"the keyring":          ring,
		"the keyring's value":  reflect.ValueOf(ring).Elem(),
		"the issuer":           keys.Issuer,
		"the issuer's value":   reflect.ValueOf(keys.Issuer).Elem(),
		"the subject's issuer": keys.Issuer.ForSubject("user_test"),
		"the verifier":         keys.Verifier,
		"the verifier's value": reflect.ValueOf(keys.Verifier).Elem(),
		"issuer options":       issuerOptions,
		"* issuer options":     &issuerOptions,
		"verifier options":     verifierOptions,
		"* verifier options":   &verifierOptions,
		"a key":                key,
		"a key's value":        reflect.ValueOf(key).Elem(),
		"fields":               nested{ring, keys.Issuer, keys.Verifier, key, ring},
		"a list of fields":     []*nested{{ring, keys.Issuer, keys.Verifier, key, issuerOptions}},
		"a map":                map[string]any{"ring": ring, "issuer": keys.Issuer, "verifier": keys.Verifier},
		"a map's keys":         map[any]int{ring: 1, keys.Issuer: 2},
		"stats":                keys.Verifier.Stats(),
	} {
		verbs := "vxXdp"
		if v == any(ring) {
			verbs = anyVerb
		}
		outputs := printed(v, verbs)
		for secret, canary := range map[string]string{"current key": current, "retired key": retired, "seed": string(seed), "text": text} {
			wantNoLeaks(t, what+", of the "+secret, canary, outputs)
		}
		for how, output := range outputs {
			if strings.Contains(output, "argon2id") {
				t.Errorf("%s by %s shows a hash: %.200q", what, how, output)
			}
		}
	}
}
