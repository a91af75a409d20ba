package apikey_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
	"github.com/seed-d3a9fb6b/apikey/hash"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// Tests named after a CVE, or after the row of docs/security-cases.md, put the attack of that row to this program.

// provings are the ways in which a secret is proven, each with what it takes to have a key judged so.
var provings = map[string]struct {
	issuer, verifier []byte // of keyrings; nil: none
	requireMAC, warm bool
	forget           bool   // the record, but not that the secret matched
	argon2           uint64 // runs for one wrong secret
}{
	"argon2":         {argon2: 1},
	"warm":           {warm: true, argon2: 1},
	"remembered":     {warm: true, forget: true, argon2: 1},
	"MAC":            {issuer: []byte{1}, verifier: []byte{1}, argon2: 1},
	"retired MAC":    {issuer: []byte{1}, verifier: []byte{2, 1}, argon2: 1},
	"foreign MAC":    {issuer: []byte{1}, verifier: []byte{2}, argon2: 1},
	"MAC, warm":      {issuer: []byte{1}, verifier: []byte{1}, warm: true, argon2: 1},
	"MAC, required":  {issuer: []byte{1}, verifier: []byte{1}, requireMAC: true},
	"required, warm": {issuer: []byte{1}, verifier: []byte{1}, requireMAC: true, warm: true},
}

// proving returns a Verifier that judges the key of this text in one of these ways, and the seed.
func proving(t *testing.T, way string, prefix string) (v *apikey.Verifier, text string, seed []byte) {
	t.Helper()
	c := provings[way]
	o := apikeytest.Options{Issuer: apikey.IssuerOptions{Prefix: prefix}, Verifier: apikey.VerifierOptions{RequireMAC: c.requireMAC}}
	if c.issuer != nil {
		o.Issuer.Keyring, o.Verifier.Keyring = ringOf(t, c.issuer...), ringOf(t, c.verifier...)
	}
	keys := apikeytest.New(t, &o)
	key, text := keys.Create(t, apikey.CreateParams{})
	seed, err := keys.Store.Value(t.Context(), "seed")
	if err != nil {
		t.Fatal(err)
	}
	if c.warm {
		if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	if c.forget {
		if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new("changed")}); err != nil {
			t.Fatal(err)
		}
	}
	return keys.Verifier, text, seed
}

// CVE-2025-22228, CVE-2025-68402: of what is hashed, only the first 72 bytes counted. Here every bit of a secret that a
// thief of the seed gives a true tag to has to be right, behind the longest prefix, however it is proven.
func TestCVE_2025_22228_EveryBitCounts(t *testing.T) {
	t.Parallel()
	for way := range provings {
		v, text, seed := proving(t, way, strings.Repeat("p", 24))
		own, ok := apikey.ParseText(text)
		if !ok {
			t.Fatal("control: not a key")
		}
		for bit := range 8 * len(own.Secret) {
			secret := own.Secret
			secret[bit/8] ^= 1 << (bit % 8)
			_, err := v.Verify(t.Context(), apikey.Forge(seed, text, secret))
			wantRejection(t, way, err, apikey.ErrUnknown)
		}
		if _, err := v.Verify(t.Context(), text); err != nil {
			t.Errorf("control, %s: %v", way, err)
		}
	}
}

// A4: the outcome of the comparison was read the wrong way round, and only good secrets were tried. On each way, the
// wrong one is refused and the right one accepted, also after the other, and the way is the one that is meant.
func TestA4_EachWayAcceptsAndRefuses(t *testing.T) {
	t.Parallel()
	for way, c := range provings {
		v, text, seed := proving(t, way, "")
		wrong := apikey.Forge(seed, text, [24]byte{1})
		before := v.Stats()
		_, err := v.Verify(t.Context(), wrong)
		wantRejection(t, way, err, apikey.ErrUnknown)
		if n := v.Stats().Argon2Runs - before.Argon2Runs; n != c.argon2 {
			t.Errorf("%s: a wrong secret cost %d runs of argon2", way, n)
		}
		before = v.Stats()
		for range 2 {
			if _, err := v.Verify(t.Context(), text); err != nil {
				t.Errorf("%s, after a wrong one: %v", way, err)
			}
		}
		after := v.Stats()
		if byArgon2 := way == "argon2" || way == "foreign MAC"; (after.Argon2Runs == before.Argon2Runs) == byArgon2 {
			t.Errorf("%s: the right secret cost %d runs of argon2", way, after.Argon2Runs-before.Argon2Runs)
		}
		_, err = v.Verify(t.Context(), wrong)
		wantRejection(t, way+", after the right one", err, apikey.ErrUnknown)
	}
}

// CVE-2023-50658, CVE-2023-49290, GO-2023-2334: the cost that stood beside a hash, or in a token, was run. Here what a
// record asks for above the bound, also if an Issuer were to, is not run and is no rejection.
func TestCVE_2023_50658_StoredCostsAreBounded(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	keys := apikeytest.New(t, &apikeytest.Options{Store: store})
	key, text := keys.Create(t, apikey.CreateParams{})
	sound := stored(t, store, key.ID()).Credentials[0].Hash
	for _, costs := range []string{"m=65537,t=1,p=1", "m=4294967295,t=1,p=1", "m=8,t=11,p=1", "m=8,t=4294967295,p=1", "m=2048,t=1,p=5", "m=65536,t=1,p=255"} {
		edit(t, store, key, func(r *apikey.Record) { r.Credentials[0].Hash = strings.Replace(sound, "m=8,t=1,p=1", costs, 1) })
		_, err := keys.Verifier.Verify(t.Context(), text)
		wantFailure(t, costs, err, apikey.ErrUnavailable, hash.ErrFormat)
	}
	if n := keys.Verifier.Stats().Argon2Runs; n != 0 {
		t.Errorf("argon2 ran %d times", n)
	}
	edit(t, store, key, func(r *apikey.Record) { r.Credentials[0].Hash = sound })
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Errorf("control: %v", err)
	}
}

// CVE-2026-33621: the limiter was written, and nothing used it. An Issuer and a Verifier that are made as anybody makes
// them pass the gate that they are given.
func TestCVE_2026_33621_TheGateIsMounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate, err := hash.NewGate(1, 1, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		keys := apikeytest.New(t, nil)
		_, text := keys.Create(t, apikey.CreateParams{})
		limited := apikeytest.New(t, &apikeytest.Options{Store: keys.Store, Issuer: apikey.IssuerOptions{Gate: gate}, Verifier: apikey.VerifierOptions{Gate: gate}})
		busy := make(chan struct{})
		for range 2 { // one runs, one waits
			go gate.Do(t.Context(), [16]byte{1}, func() { <-busy })
		}
		synctest.Wait()
		_, err = limited.Verifier.Verify(t.Context(), text)
		wantFailure(t, "Verify", err, apikey.ErrOverloaded, hash.ErrBusy)
		_, _, err = limited.Issuer.Create(t.Context(), valid())
		wantFailure(t, "Create", err, apikey.ErrOverloaded, hash.ErrBusy)
		close(busy)
	})
}

// decoded reads a field of a PHC string.
func decoded(t *testing.T, field string) []byte {
	t.Helper()
	b, err := base64.RawStdEncoding.DecodeString(field)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
