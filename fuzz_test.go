package apikey_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// An id has one spelling, and what is none is not repeated in the error.
func FuzzParseKeyID(f *testing.F) {
	const digits = "0190e0448800719a8bcdef0123456789"
	for _, seed := range []string{
		"ak_" + digits, "a_b2_c_" + digits, strings.Repeat("a", 24) + "_" + digits, strings.Repeat("a", 25) + "_" + digits, digits, "_" + digits, "__" + digits,
		"ak__" + digits, "ak-" + digits, "AK_" + digits, "ak_" + strings.ToUpper(digits), "ak_" + digits[1:], "ak_" + digits + "0", " ak_" + digits, "ak_" + digits + "\n",
		"ak_" + digits[:31] + "\xff", "ak%5f" + digits, "\u0430k_" + digits, "ak_" + digits[:29] + "\uff11", "ak_0190e044-8800-719a-8bcd-ef0123456789", "",
	} {
		f.Add(seed)
	}
	_, _, refused := apikey.ParseKeyID("")
	wantInvalid(f, "ParseKeyID", refused, "id")
	f.Fuzz(func(t *testing.T, text string) {
		prefix, id, err := apikey.ParseKeyID(text)
		if err != nil {
			if prefix != "" || !id.IsZero() || err.Error() != refused.Error() {
				t.Errorf("ParseKeyID(%q) = %q, %v, %v", text, prefix, id, err)
			}
			return
		}
		if prefix+"_"+id.String() != text || len(prefix) > 24 {
			t.Errorf("ParseKeyID(%q) = %q, %v", text, prefix, id)
		}
		// A prefix is one that an Issuer takes, so that there are no ids that none could have made.
		if _, err := apikey.NewIssuer(memstore.New(), &apikey.IssuerOptions{Prefix: prefix}); err != nil {
			t.Errorf("ParseKeyID(%q) has a prefix of which NewIssuer says %v", text, err)
		}
	})
}

// A cursor has one spelling, and leads to the keys below it.
func FuzzCursor(f *testing.F) {
	issuer := newIssuer(f, memstore.New(), apikey.IssuerOptions{})
	for range 4 {
		newKey(f, issuer, apikey.CreateParams{})
	}
	page, err := issuer.List(f.Context(), apikey.Query{Limit: 2})
	if err != nil || page.Next == "" {
		f.Fatal(err, page.Next)
	}
	all, err := issuer.List(f.Context(), apikey.Query{})
	if err != nil || len(all.Keys) != 4 {
		f.Fatal(err, len(all.Keys))
	}
	for _, seed := range []string{page.Next, strings.ToUpper(page.Next), page.Next + "0", page.Next[1:], " " + page.Next[1:], page.Next + "\n", all.Keys[0].ID(),
		strings.Repeat("0", 32), strings.Repeat("0", 31) + "1", strings.Repeat("f", 32), strings.Repeat("F", 32), "0x" + page.Next[2:], "2", "-1", "\uff11"} {
		f.Add(seed)
	}
	_, refused := issuer.List(f.Context(), apikey.Query{Cursor: "x"})
	wantInvalid(f, "List", refused, "Cursor")
	f.Fuzz(func(t *testing.T, cursor string) {
		got, err := issuer.List(t.Context(), apikey.Query{Cursor: cursor})
		if err != nil {
			if err.Error() != refused.Error() {
				t.Errorf("%q: %v", cursor, err)
			}
			return
		}
		if _, id, err := apikey.ParseKeyID("ak_" + cursor); cursor != "" && (err != nil || id.IsZero()) {
			t.Errorf("%q is taken for a cursor", cursor)
		}
		var want []string
		for _, key := range all.Keys {
			if id := key.ID()[len("ak_"):]; cursor == "" || id < cursor {
				want = append(want, key.ID())
			}
		}
		var ids []string
		for _, key := range got.Keys {
			ids = append(ids, key.ID())
		}
		if strings.Join(ids, " ") != strings.Join(want, " ") {
			t.Errorf("after %q come %v, want %v", cursor, ids, want)
		}
	})
}

// Different things are never one to what is computed over them: not where the end of one is moved to the
// beginning of the next.
func FuzzBoundaryAmbiguity(f *testing.F) {
	f.Add("user_1name", uint8(6), uint8(5), []byte("id and number and secret"))
	f.Add("abab", uint8(2), uint8(1), bytes.Repeat([]byte("ab"), 21))
	f.Add("a:b:c", uint8(1), uint8(3), []byte{})
	f.Add("ak_ak_", uint8(2), uint8(5), bytes.Repeat([]byte{0}, 84))
	f.Add("\u00e4\u00e4", uint8(2), uint8(0), bytes.Repeat([]byte{2, 24, 16}, 30))
	f.Fuzz(func(t *testing.T, text string, at, other uint8, bits []byte) {
		i, j := int(at)%(len(text)+1), int(other)%(len(text)+1)

		// Credentials: what their hash, their tag and their MAC are of.
		ring, err := apikey.NewKeyring(make([]byte, 32))
		if err != nil {
			t.Fatal(err)
		}
		one, two := credentialOf(text[:i], bits), credentialOf(text[:j], bits[len(bits)/2:])
		for what, of := range map[string]func(apikey.Token) string{
			"message": apikey.Token.Message,
			"tag": func(c apikey.Token) string {
				c.Sign(make([]byte, 32), uint16(c.Tag>>48))
				return fmt.Sprint(c.Tag & (1<<48 - 1))
			},
			"MAC": func(c apikey.Token) string { return c.MAC(ring) },
		} {
			if (one == two) != (of(one) == of(two)) {
				t.Errorf("%+v and %+v: their %s is the same: %t", one, two, what, of(one) == of(two))
			}
		}
		// Each byte of one counts.
		for at := range 16 + 2 + 24 {
			changed := one
			switch {
			case at < 16:
				changed.ID[at]++
			case at < 18:
				changed.Tag += 1 << (48 + 8*(at-16))
			default:
				changed.Secret[at-18]++
			}
			if changed.Message() == one.Message() {
				t.Errorf("%+v and %+v have one message", changed, one)
			}
		}

		// A name and its owner.
		if a, b := apikey.UniqueKey(text[:i], text[i:]), apikey.UniqueKey(text[:j], text[j:]); (a == b) != (i == j) && !strings.Contains(text, "\x00") {
			t.Errorf("names in %q at %d and %d: one key", text, i, j)
		}

		// What a sealed value is for.
		sealed := ring.Seal(text[:i], []byte("data"), []byte(text[i:]))
		if data, err := ring.Open(text[:j], sealed, []byte(text[j:])); i == j && string(data) != "data" || i != j && !errors.Is(err, apikey.ErrSealed) {
			t.Errorf("sealed for %q and %q, opened for %q and %q: %q, %v", text[:i], text[i:], text[:j], text[j:], data, err)
		}
	})
}

// credentialOf fills id, number and secret with what there is.
func credentialOf(prefix string, bits []byte) apikey.Token {
	c := apikey.Token{Prefix: prefix[:min(len(prefix), 24)]}
	n := copy(c.ID[:], bits)
	bits = bits[n:]
	if len(bits) >= 2 {
		c.Tag = uint64(bits[0])<<56 | uint64(bits[1])<<48
		bits = bits[2:]
	}
	copy(c.Secret[:], bits)
	return c
}
