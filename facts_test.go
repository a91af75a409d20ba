package apikey_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
)

// What a Key shows is what the record says, whatever texts, scopes and credentials it has.
func TestKeyShowsTheRecord(t *testing.T) {
	t.Parallel()
	check := func(id apikey.ID, texts [8]string, claims string, scopes []string, hints [3]string, times [10]uint32) bool {
		at := func(i int) time.Time {
			if times[i]%3 == 0 {
				return time.Time{}
			}
			return time.UnixMilli(int64(times[i]) * 1000).UTC()
		}
		r := &apikey.Record{ID: id, Prefix: texts[0], Type: texts[1], Subject: texts[2], Name: texts[3], Description: texts[4],
			CreatedBy: texts[5], RevokedReason: texts[6], RevokedBy: texts[7], Claims: json.RawMessage(claims), Scopes: scopes,
			CreatedAt: at(0), UpdatedAt: at(1), ExpiresAt: at(2), RevokedAt: at(3), LastUsedAt: at(4), Epoch: times[8]}
		for i, hint := range hints[:times[9]%4] {
			r.Credentials = append(r.Credentials, apikey.Credential{Number: uint16(3 - i), Kind: uint8(i), Hash: "a hash", MAC: []byte("a MAC"),
				MACKey: 7, Hint: hint, CreatedAt: at(5 + i), LastUsedAt: at(6 + i)})
		}
		k := apikey.NewKey(r)
		expires, hasExpiry := k.ExpiresAt()
		revoked, isRevoked := k.RevokedAt()
		used, wasUsed := k.LastUsedAt()
		got := fmt.Sprintf("%q", []any{k.ID(), k.Type(), k.Subject(), k.Name(), k.Description(), k.CreatedBy(), k.RevocationReason(), k.RevokedBy(),
			string(k.Claims()), k.Scopes(), k.CreatedAt(), k.UpdatedAt(), k.Epoch(), expires, hasExpiry, revoked, isRevoked, used, wasUsed})
		want := fmt.Sprintf("%q", []any{r.Prefix + "_" + r.ID.String(), r.Type, r.Subject, r.Name, r.Description, r.CreatedBy, r.RevokedReason, r.RevokedBy,
			string(r.Claims), r.Scopes, r.CreatedAt, r.UpdatedAt, r.Epoch, r.ExpiresAt, !r.ExpiresAt.IsZero(), r.RevokedAt, !r.RevokedAt.IsZero(), r.LastUsedAt, !r.LastUsedAt.IsZero()})
		credentials := k.Credentials()
		for i := range r.Credentials {
			r.Credentials[i].Hash, r.Credentials[i].MAC, r.Credentials[i].MACKey = "", nil, 0
		}
		if got != want || !reflect.DeepEqual(credentials, r.Credentials) {
			t.Logf("shows %s\n%+v\nwant  %s\n%+v", got, credentials, want, r.Credentials)
			return false
		}
		for _, s := range scopes {
			if !k.HasScope(s) {
				t.Logf("does not have %q", s)
				return false
			}
		}
		return !k.HasScope("a scope that it does not have") && (len(scopes) == 0 || !k.HasScope(strings.Join(scopes, "")+"x"))
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

// A Key shares nothing with the record that it was made of.
func TestKeyKeepsNoPartOfTheRecord(t *testing.T) {
	t.Parallel()
	r := &apikey.Record{Prefix: "ak", Claims: json.RawMessage(`"one"`), Scopes: []string{"read"}, Credentials: []apikey.Credential{{Number: 1, Hint: "ak_1"}}}
	k := apikey.NewKey(r)
	copy(r.Claims, `"two"`)
	r.Scopes[0], r.Credentials[0].Hint = "write", "ak_2"
	copy(k.Claims(), `"two"`)
	k.Scopes()[0] = "write"
	k.Credentials()[0].Hint = "ak_2"
	if string(k.Claims()) != `"one"` || !k.HasScope("read") || k.HasScope("write") || k.Hint() != "ak_1" || k.Credentials()[0].Hint != "ak_1" {
		t.Errorf("changed to %s, %q, %+v", k.Claims(), k.Scopes(), k.Credentials())
	}
}

// A Key is printed as its public name, by value, too, and a zero one without a panic.
func TestKeyPrintsItsName(t *testing.T) {
	t.Parallel()
	k := apikey.NewKey(&apikey.Record{Prefix: "ak", Subject: "user_1"})
	for _, output := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", *k), fmt.Sprintf("%q", k), fmt.Sprintf("%d", *k)} {
		if output != k.ID() {
			t.Errorf("%q", output)
		}
	}
	if output := fmt.Sprint(apikey.Key{}); output != "[no key]" {
		t.Errorf("%q", output)
	}
}
