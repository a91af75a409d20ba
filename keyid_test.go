package apikey_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// byID are the management calls that take an id.
var byID = map[string]func(ctx context.Context, i *apikey.Issuer, id string) error{
	"Get": func(ctx context.Context, i *apikey.Issuer, id string) error {
		_, err := i.Get(ctx, id)
		return err
	},
	"Update": func(ctx context.Context, i *apikey.Issuer, id string) error {
		_, err := i.Update(ctx, id, apikey.UpdateParams{Description: new("changed")})
		return err
	},
	"Update of nothing": func(ctx context.Context, i *apikey.Issuer, id string) error {
		_, err := i.Update(ctx, id, apikey.UpdateParams{})
		return err
	},
	"Rotate": func(ctx context.Context, i *apikey.Issuer, id string) error {
		_, _, err := i.Rotate(ctx, id, apikey.RotateParams{})
		return err
	},
	"Revoke": func(ctx context.Context, i *apikey.Issuer, id string) error {
		_, err := i.Revoke(ctx, id, apikey.RevokeParams{})
		return err
	},
	"Delete": func(ctx context.Context, i *apikey.Issuer, id string) error {
		return i.Delete(ctx, id)
	},
}

// An id has one spelling: another one would be a second name for a key, under which a
// denylist, an audit log or a permission does not know it.
func TestID4_MalformedIDs(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, secret := newKey(t, issuer, apikey.CreateParams{})
	id, digits := key.ID(), key.ID()[3:]
	before := encoded(t, store, key)
	for what, bad := range map[string]string{
		"empty":            "",
		"prefix alone":     "ak_",
		"no prefix":        digits,
		"no prefix, _":     "_" + digits,
		"upper-case hex":   "ak_" + strings.ToUpper(digits[:31]) + "F",
		"one upper":        "ak_" + digits[:31] + "A",
		"upper prefix":     "AK_" + digits,
		"short":            id[:len(id)-1],
		"long":             id + "0",
		"not hex":          "ak_" + digits[:31] + "g",
		"dashes":           "ak_" + digits[:8] + "-" + digits[9:],
		"a UUID":           "ak_" + digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:],
		"other separator":  "ak-" + digits,
		"newline":          id + "\n",
		"space":            " " + id,
		"NUL":              id + "\x00",
		"escaped":          strings.Replace(id, "_", "%5f", 1),
		"Cyrillic prefix":  "\u0430k_" + digits,
		"fullwidth digit":  "ak_" + digits[:29] + "\uff11",
		"invalid prefix":   "a__k_" + digits,
		"a long prefix":    strings.Repeat("a", 25) + "_" + digits,
		"a million":        strings.Repeat("a", 1e6),
		"a secret":         secret.Reveal(),
		"not UTF-8":        "ak_" + digits[:31] + "\xff",
		"a prefix of an _": "ak__" + digits,
	} {
		for call, f := range byID {
			err := f(t.Context(), issuer, bad)
			wantInvalid(t, call+" of "+what, err, "id")
			wantNoLeak(t, call+" of "+what, secret.Reveal(), fmt.Sprint(err))
		}
	}
	if encoded(t, store, key) != before {
		t.Error("a malformed id changed the key")
	}
}

// A well-formed id that is nobody's, or that has another prefix than the key, is not found.
func TestUnknownIDs(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	issuer := newIssuer(t, store, apikey.IssuerOptions{})
	key, _ := newKey(t, issuer, apikey.CreateParams{})
	digits := key.ID()[3:]
	before := encoded(t, store, key)
	for what, id := range map[string]string{
		"zero":           "ak_" + strings.Repeat("0", 32),
		"another":        "ak_" + goldenID,
		"another prefix": "bk_" + digits,
		"longer prefix":  "ak_ak_" + digits,
	} {
		for call, f := range byID {
			wantError(t, call+" of "+what, f(t.Context(), issuer, id), apikey.ErrNotFound)
		}
	}
	if encoded(t, store, key) != before {
		t.Error("a foreign id changed the key")
	}
}
