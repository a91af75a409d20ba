package apikey_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// CVE-2024-21635, CVE-2025-3230, CVE-2026-33668 and others: the owner was locked out, and the tokens worked on. Here Check is
// asked at each call of each method that accepts, also of a warm key; and no key of the owner outlives RevokeSubject.
func TestCVE_2024_21635_KeysOfALockedOutOwner(t *testing.T) {
	t.Parallel()
	var out atomic.Bool
	keys := apikeytest.New(t, &apikeytest.Options{Verifier: apikey.VerifierOptions{Check: func(_ context.Context, k *apikey.Key) error {
		if k.Subject() == "user_test" && out.Load() {
			return errors.New("locked out")
		}
		return nil
	}}})
	key, text := keys.Create(t, apikey.CreateParams{})
	_, cold := keys.Create(t, apikey.CreateParams{})
	_, theirs := keys.Create(t, apikey.CreateParams{Subject: "another"})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	out.Store(true)
	for what, presented := range map[string]string{"warm": text, "cold": cold} {
		for range 2 {
			_, err := keys.Verifier.Verify(t.Context(), presented)
			wantRejection(t, what, err, apikey.ErrDenied)
		}
	}
	_, err := keys.Verifier.Lookup(t.Context(), key.ID())
	wantRejection(t, "Lookup", err, apikey.ErrDenied)
	if _, err := keys.Verifier.Verify(t.Context(), theirs); err != nil {
		t.Errorf("another owner's: %v", err)
	}
	out.Store(false)
	if n, err := keys.Issuer.RevokeSubject(t.Context(), "user_test", apikey.RevokeParams{}); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	_, err = keys.Verifier.Verify(t.Context(), text)
	wantRejection(t, "let in again, and revoked", err, apikey.ErrRevoked)
}

// CVE-2026-40264, CVE-2023-24999 and others: of the calls that manage, one did not ask whose the thing was. No method of an
// Issuer is missing in the tables that TestCVE_2026_40264_ForSubjectRefuses goes through.
func TestCVE_2026_40264_NoMethodIsForgotten(t *testing.T) {
	t.Parallel()
	harmless := []string{"ForSubject", "Prefix", "Manages"} // they touch no key
	methods := reflect.TypeFor[*apikey.Issuer]()
	for i := range methods.NumMethod() {
		name := methods.Method(i).Name
		if byID[name] == nil && bySubject[name] == nil && !slices.Contains(harmless, name) && !strings.HasPrefix(name, "Format") && name != "String" && name != "GoString" && name != "LogValue" {
			t.Errorf("%s is in no table of who may do what", name)
		}
	}
	if n := len(byID) + len(bySubject); n < 10 {
		t.Errorf("control: %d calls in the tables", n)
	}
}

// CVE-2025-6004, CVE-2025-54998: a name in another case, or with a space, was counted as another one. Here another spelling
// of a key's text or id is none, also while the key is warm.
func TestCVE_2025_6004_NoAliases(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	key, text := keys.Create(t, apikey.CreateParams{})
	if _, err := keys.Verifier.Verify(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	for what, alias := range map[string]func(string) string{
		"upper case": strings.ToUpper, "upper prefix": func(s string) string { return "AK" + s[2:] }, "title": func(s string) string { return "Ak" + s[2:] },
		"space before": func(s string) string { return " " + s }, "space after": func(s string) string { return s + " " }, "tab": func(s string) string { return s + "\t" },
		"line": func(s string) string { return s + "\r\n" }, "NUL": func(s string) string { return s + "\x00" }, "no-break space": func(s string) string { return s + "\u00a0" },
		"escaped": func(s string) string { return strings.Replace(s, "_", "%5F", 1) }, "fullwidth": func(s string) string { return strings.Replace(s, "_", "\uff3f", 1) },
		"Cyrillic": func(s string) string { return "\u0430" + s[1:] }, "quoted": func(s string) string { return `"` + s + `"` }, "slash": func(s string) string { return s + "/" },
	} {
		if _, err := keys.Verifier.Verify(t.Context(), alias(text)); err != apikey.ErrMalformed {
			t.Errorf("the text, %s: %v", what, err)
		}
		if _, err := keys.Verifier.Lookup(t.Context(), alias(key.ID())); err != apikey.ErrMalformed {
			t.Errorf("Lookup, %s: %v", what, err)
		}
		_, err := keys.Issuer.Get(t.Context(), alias(key.ID()))
		wantInvalid(t, "Get, "+what, err, "id")
	}
}

// CVE-2025-6014, CVE-2025-55000, CVE-2026-20779: what was to work once worked for all who came at once. Of those who race to
// rotate a secret away, one has the one that lives; of those who race for a name, one has it.
func TestCVE_2025_6014_OnceIsOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{UniqueNames: true}})
		key, first := keys.Create(t, apikey.CreateParams{})
		const racers = 8
		texts := make([]string, racers)
		var named atomic.Int32
		var wg sync.WaitGroup
		for n := range racers {
			wg.Go(func() {
				_, secret, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
				if err != nil {
					t.Error(err)
				}
				texts[n] = secret.Reveal()
			})
			wg.Go(func() {
				if _, err := create(t, keys.Issuer, "user_1", "once"); err == nil {
					named.Add(1)
				} else if !errors.Is(err, apikey.ErrNameTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		alive, given := 0, map[uint64]bool{}
		for _, text := range append(texts, first) {
			token, _ := apikey.ParseText(text)
			if number := token.Tag >> 48; given[number] {
				t.Errorf("number %d was given twice", number)
			} else {
				given[number] = true
			}
			if _, err := keys.Verifier.Verify(t.Context(), text); err == nil {
				alive++
			}
		}
		if alive != 1 || named.Load() != 1 {
			t.Errorf("%d secrets live, %d have the name", alive, named.Load())
		}
	}
}
