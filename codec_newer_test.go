package apikey_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/apikeytest"
)

// newerEncoding is a record of a program that knows more fields than this one, of the kind that
// may be carried along: even numbers, in the record and in each credential. They may be lists.
func newerEncoding() []byte {
	hash := field{3, tinyPHC}
	return encoding(
		field{1, string(ascending(1, 16))}, field{2, "\x01"}, field{3, "ak"}, field{5, "user_1"}, field{6, "key"},
		field{20, fieldsOf(field{1, "\x02"}, hash, field{10, "of 2"}, field{10, "of 2, too"}, field{10, "of 2"}, field{12, ""}, field{1 << 40, "far"})},
		field{20, fieldsOf(field{1, "\x01"}, hash, field{10, "of 1"})},
		field{24, "of the record"}, field{24, ""}, field{24, "and again"}, field{26, ""}, field{1 << 62, "\x00\xff"},
	)
}

func newerRecord(t testing.TB) *apikey.Record {
	t.Helper()
	return unmarshal(t, newerEncoding())
}

// A program must not drop what it does not know when it rewrites a record.
func TestUnknownFieldsAreCarried(t *testing.T) {
	t.Parallel()
	want := newerEncoding()
	r := newerRecord(t)
	if got := marshal(t, r); !bytes.Equal(got, want) {
		t.Errorf("encoded as %q, want %q", got, want)
	}
	if got := marshal(t, r.Clone()); !bytes.Equal(got, want) {
		t.Errorf("cloned as %q, want %q", got, want)
	}
	// Encoding does not use them up, and a clone's are the clone's.
	clone := r.Clone()
	*clone = apikey.Record{}
	if got := marshal(t, r); !bytes.Equal(got, want) {
		t.Errorf("encoded again as %q, want %q", got, want)
	}
	if back := unmarshal(t, want); !reflect.DeepEqual(back, r) {
		t.Errorf("%+v, want %+v", back, r)
	}
}

// Everything an Issuer does to a record keeps them.
func TestUnknownFieldsOutliveChanges(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, nil)
	r := newerRecord(t)
	if err := keys.Store.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	key := apikey.NewKey(r)
	wantCarried := func(after string, values ...string) {
		t.Helper()
		for _, v := range values {
			if data := encoded(t, keys.Store, key); !strings.Contains(data, v) {
				t.Errorf("after %s the field %q is gone", after, v)
			}
		}
	}
	if _, err := keys.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Description: new("new"), Scopes: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	wantCarried("Update", "of 1", "of 2", "of 2, too", "far", "of the record", "and again", "\x00\xff")
	rotated, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "numbers", numbers(rotated), []uint16{3, 2, 1})
	wantCarried("Rotate", "of 1", "of 2", "of 2, too", "far", "of the record", "and again", "\x00\xff")
	if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
		t.Fatal(err)
	}
	wantCarried("Revoke", "of 1", "of 2", "of 2, too", "far", "of the record", "and again", "\x00\xff")
}

// The greatest record that an Issuer makes fits, with room for a newer program's fields.
func TestGreatestRecordFits(t *testing.T) {
	t.Parallel()
	keys := apikeytest.New(t, &apikeytest.Options{Issuer: apikey.IssuerOptions{
		UniqueNames: true, Prefix: "abcdefghijklmnopqrstuvwx", Keyring: ringOf(t, 1)}})
	long := func(n int) string { return strings.Repeat("\U0001f511", n) }
	claims := `"` + strings.Repeat("x", 16<<10-2) + `"`
	key, _ := keys.Create(t, apikey.CreateParams{Subject: long(255), Name: long(255), Description: long(1024), Type: long(25), CreatedBy: long(255),
		Claims: []byte(claims), Scopes: slices.Repeat([]string{strings.Repeat("s", 255)}, 100), ExpiresIn: 1e18})
	for range 3 {
		if _, _, err := keys.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{Grace: 1e18}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := keys.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{Reason: long(1024), By: long(255)}); err != nil {
		t.Fatal(err)
	}
	if n := len(encoded(t, keys.Store, key)); n < 50<<10 || n > 64<<10 {
		t.Errorf("%d bytes: half of what an encoding may have should do", n)
	}
}
