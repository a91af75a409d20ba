package apikey_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// state is all that a Key tells.
func state(k *apikey.Key) string {
	data, err := k.MarshalJSON()
	var ends []any
	for _, f := range []func() (time.Time, bool){k.ExpiresAt, k.RevokedAt, k.LastUsedAt, k.SecretNotAfter} {
		at, ok := f()
		ends = append(ends, at, ok)
	}
	return fmt.Sprintf("%s %v %v %v %q %+v %v %v %v %v", data, err, ends, k.RevokedBy(), k.Hint(), k.Credentials(), k.Number(), k.Scopes(), string(k.Claims()), k.Expired())
}

func TestAccessors(t *testing.T) {
	t.Parallel()
	key := apikey.NewKey(goldenRecord())
	at := func(want time.Time) func(time.Time, bool) bool {
		return func(got time.Time, ok bool) bool { return ok && got.Equal(want) && got.Location() == time.UTC }
	}
	for what, ok := range map[string]bool{
		"ID":               key.ID() == "ak_"+goldenID,
		"Type":             key.Type() == "api_key",
		"Subject":          key.Subject() == "user_1",
		"Name":             key.Name() == "Key",
		"Description":      key.Description() == "what for",
		"CreatedBy":        key.CreatedBy() == "user_2",
		"Claims":           string(key.Claims()) == `{"n":1.0e2}`,
		"Scopes":           slices.Equal(key.Scopes(), []string{"read", "write"}),
		"HasScope":         key.HasScope("read") && key.HasScope("write") && !key.HasScope("rea") && !key.HasScope("") && !key.HasScope("READ"),
		"CreatedAt":        key.CreatedAt().Equal(ms(0)),
		"UpdatedAt":        key.UpdatedAt().Equal(ms(1)),
		"ExpiresAt":        at(ms(2))(key.ExpiresAt()),
		"Revoked":          key.Revoked(),
		"RevokedAt":        at(ms(3))(key.RevokedAt()),
		"RevocationReason": key.RevocationReason() == "leaked",
		"RevokedBy":        key.RevokedBy() == "admin",
		"LastUsedAt":       at(ms(6))(key.LastUsedAt()),
		"Number":           key.Number() == 0,
		"Hint":             key.Hint() == "abcd",
	} {
		if !ok {
			t.Errorf("%s is another: %s", what, state(key))
		}
	}
	empty := apikey.NewKey(&apikey.Record{Prefix: "ak"})
	none := func(_ time.Time, ok bool) bool { return !ok }
	if empty.Claims() != nil || len(empty.Scopes()) != 0 || empty.HasScope("") || empty.Revoked() || empty.Expired() || empty.Hint() != "" ||
		len(empty.Credentials()) != 0 || !none(empty.ExpiresAt()) || !none(empty.RevokedAt()) || !none(empty.LastUsedAt()) || !none(empty.SecretNotAfter()) {
		t.Errorf("a key without anything says %s", state(empty))
	}
}

// Nothing that a key hands out can change what it tells next, nor what the next caller is told.
func TestKeysAreImmutable(t *testing.T) {
	t.Parallel()
	r := goldenRecord()
	r.Credentials[1].NotAfter = time.Time{} // so that both are shown
	made := apikey.NewKey(r)
	keys := apikeytest.New(t, nil)
	_, text := keys.Create(t, apikey.CreateParams{Scopes: []string{"a", "b"}, Claims: []byte(`{"a":1}`)})
	verify := func() *apikey.Key {
		key, err := keys.Verifier.Verify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	verified := verify()
	for what, key := range map[string]*apikey.Key{"made": made, "verified": verified} {
		before := state(key)
		for i := range key.Scopes() {
			key.Scopes()[i] = "admin"
		}
		scopes := key.Scopes()[:0]
		_ = append(scopes, "admin", "root")
		for i := range key.Claims() {
			key.Claims()[i] = '!'
		}
		credentials := key.Credentials()
		spoil(reflect.ValueOf(credentials))
		_ = append(credentials[:0], apikey.Credential{Number: 9})
		if data, err := key.MarshalJSON(); err == nil {
			clear(data)
		}
		if after := state(key); after != before {
			t.Errorf("%s: it was %s and is %s", what, before, after)
		}
	}
	if got, want := state(verify()), state(verified); got != want {
		t.Errorf("the next Verify tells %s, not %s", got, want)
	}
}

// strs collects every string and list of bytes that can be reached from v.
func strs(v reflect.Value, found *[]string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && v.Type() != reflect.TypeFor[*time.Location]() {
			strs(v.Elem(), found)
		}
	case reflect.String:
		*found = append(*found, v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			*found = append(*found, string(v.Bytes()))
			return
		}
		// What lies behind its end counts: slicing is no erasing.
		for i := range v.Cap() {
			strs(v.Slice3(0, v.Cap(), v.Cap()).Index(i), found)
		}
	case reflect.Struct:
		for _, value := range v.Fields() {
			strs(value, found)
		}
	}
}

// A Key holds nothing that verifies a secret, not even where only a debugger looks.
func TestKeysHoldNoHash(t *testing.T) {
	t.Parallel()
	r := newerRecord(t)
	golden := goldenRecord()
	r.Credentials = append(r.Credentials, golden.Credentials...)
	r.NameFold, r.UniqueKey = "FOLDED", "UNIQUE"
	internal := []string{"argon2id", strings.Repeat("\xaa", 32), "FOLDED", "UNIQUE", "of the record", "of 2"}
	holds := func(v any) (found []string) {
		var all []string
		strs(reflect.ValueOf(v), &all)
		for _, s := range internal {
			if slices.ContainsFunc(all, func(got string) bool { return strings.Contains(got, s) }) {
				found = append(found, s)
			}
		}
		return found
	}
	wantSame(t, "control, the record", holds(r), internal)
	wantSame(t, "a key of it", holds(apikey.NewKey(r)), nil)

	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{Keyring: ringOf(t, 1)}})
	created, text := keys.Create(t, apikey.CreateParams{})
	verified, err := keys.Verifier.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	warm, err := keys.Verifier.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	looked, err := keys.Verifier.Lookup(t.Context(), created.ID())
	if err != nil {
		t.Fatal(err)
	}
	internal = []string{"argon2id", string(stored(t, keys.Store, created.ID()).Credentials[0].MAC)}
	for _, key := range []*apikey.Key{created, verified, warm, looked} {
		wantSame(t, "a key that was handed out", holds(key), nil)
		for _, c := range key.Credentials() {
			if c.Hash != "" || c.MAC != nil || c.MACKey != 0 {
				t.Errorf("a credential shows %+v", c)
			}
		}
	}
}

// Credentials and Expired go by the clock and not by what was true when the record was read.
func TestKeysGoByTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC().Truncate(time.Millisecond)
		r := goldenRecord()
		r.ExpiresAt = now.Add(2 * time.Second)
		r.Credentials[1].NotAfter = now.Add(time.Second)
		key := apikey.NewKey(r)
		for _, c := range []struct {
			wait    time.Duration
			numbers []uint16
			expired bool
		}{
			{0, []uint16{2, 1}, false},
			{time.Second - time.Millisecond, []uint16{2, 1}, false},
			{time.Millisecond, []uint16{2}, false},
			{time.Second - time.Millisecond, []uint16{2}, false},
			{time.Millisecond, []uint16{2}, true},
			{time.Millisecond, []uint16{2}, true},
		} {
			time.Sleep(c.wait)
			wantSame(t, "numbers", numbers(key), c.numbers)
			if key.Expired() != c.expired || strings.Contains(state(key), `"expired":true`) != c.expired {
				t.Errorf("%v after: expired %v", time.Since(now), key.Expired())
			}
		}
	})
}
