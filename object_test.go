package apikey_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// members are the names of a JSON object's members, in order.
func members(t testing.TB, data []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

var created17 = []string{"object", "id", "type", "subject", "name", "description", "claims", "scopes", "secret", "revoked", "revocation_reason",
	"expired", "expiration", "created_by", "last_used_at", "created_at", "updated_at"}

func TestKeyObject(t *testing.T) {
	t.Parallel()
	full := goldenRecord()
	full.ExpiresAt = time.Date(2261, 1, 1, 0, 0, 0, 1e6, time.UTC)
	past := &apikey.Record{ID: goldenToken().ID, Prefix: "sk_live", Type: "bot", Subject: "u", Name: "n", CreatedAt: ms(0), UpdatedAt: ms(0), ExpiresAt: ms(-1e9)}
	for what, c := range map[string]struct {
		record *apikey.Record
		want   string
	}{
		"every field": {full, `{"object":"api_key","id":"ak_` + goldenID + `","type":"api_key","subject":"user_1","name":"Key","description":"what for",` +
			`"claims":{"n":1.0e2},"scopes":["read","write"],"revoked":true,"revocation_reason":"leaked","expired":false,"expiration":9183110400001,` +
			`"created_by":"user_2","last_used_at":1780000000006,"created_at":1780000000000,"updated_at":1780000000001}`},
		"what may be null": {past, `{"object":"api_key","id":"sk_live_` + goldenID + `","type":"bot","subject":"u","name":"n","description":null,` +
			`"claims":null,"scopes":[],"revoked":false,"revocation_reason":null,"expired":true,"expiration":1779000000000,` +
			`"created_by":null,"last_used_at":null,"created_at":1780000000000,"updated_at":1780000000000}`},
	} {
		key := apikey.NewKey(c.record)
		got, err := json.Marshal(key)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got\n%s, %v; want\n%s", what, got, err, c.want)
		}
		names := members(t, got)
		want := append(append([]string(nil), created17[:8]...), created17[9:]...)
		wantSame(t, what, names, want)
		if len(names) != 16 {
			t.Errorf("%s: %d members", what, len(names))
		}
		if indirect, err := json.Marshal(map[string]any{"k": []*apikey.Key{key}}); err != nil || !strings.Contains(string(indirect), c.want) {
			t.Errorf("%s: in a list it is %s, %v", what, indirect, err)
		}
	}
}

func TestCreatedJSON(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	key, secret := newKey(t, issuer, apikey.CreateParams{})
	got, err := apikey.CreatedJSON(key, secret)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "members", members(t, got), created17)
	without, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(string(without), `"revoked"`, `"secret":"`+secret.Reveal()+`","revoked"`, 1); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}

	_, others := newKey(t, issuer, apikey.CreateParams{})
	otherPrefix := newIssuer(t, memstore.New(), apikey.IssuerOptions{Prefix: "bk"})
	_, foreign := newKey(t, otherPrefix, apikey.CreateParams{})
	for what, s := range map[string]apikey.Secret{"another key's": others, "another prefix's": foreign, "none": {}} {
		data, err := apikey.CreatedJSON(key, s)
		wantInvalid(t, what, err, "secret")
		if data != nil {
			t.Errorf("%s: %s", what, data)
		}
		if s.Reveal() != "" {
			wantNoLeak(t, what, s.Reveal(), fmt.Sprint(err))
		}
	}
	_, rotated, err := issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := apikey.CreatedJSON(key, rotated); err != nil || !strings.Contains(string(data), rotated.Reveal()) {
		t.Errorf("the secret of a rotation: %v", err)
	}
}

// Claims come back as they were given: the order of members, duplicates, and the texts of numbers
// that no float can hold. Only white space that means nothing is left out.
func TestClaimsVerbatim(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, memstore.New(), apikey.IssuerOptions{})
	for given, want := range map[string]string{
		`{"z":1,"a":{"y":1,"b":2}}`:                            "",
		`{"n":1.0e2,"m":1E2,"o":100,"p":1.10,"q":-0,"r":1e-7}`: "",
		`123456789012345678901234567890.10`:                    "",
		`1e400`:                                                "",
		`{"a":1,"a":2}`:                                        "",
		`"\u0000\ud83d\udd11\ud800\/é\u00e9"`:                  "",
		`true`:                                                 "", `false`: "", `0`: "", `""`: "", `[]`: "", `{}`: "", `[null]`: "", `[[1],[2]]`: "",
		" { \"a\" :\t[ 1 ,\r\n 2 ] } ": `{"a":[1,2]}`,
		`" spaces  stay "`:             "",
		"null":                         "null", " null\n": "null", "": "null",
	} {
		if want == "" {
			want = given
		}
		key, _ := newKey(t, issuer, apikey.CreateParams{Claims: json.RawMessage(given)})
		again, err := issuer.Get(t.Context(), key.ID())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []*apikey.Key{key, again} {
			if got := k.Claims(); want == "null" && got != nil || want != "null" && string(got) != want {
				t.Errorf("%q came back as %q", given, got)
			}
			data, err := json.Marshal(k)
			if err != nil || !strings.Contains(string(data), `"claims":`+want+`,"scopes"`) {
				t.Errorf("%q is in the object as %s, %v", given, data, err)
			}
		}
	}
}
