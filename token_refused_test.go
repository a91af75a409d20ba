package apikey_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/store/memstore"
)

// spell writes n with the digits of a key, in so many places.
func spell(n *big.Int, width int) string {
	const bigs = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // those of package big
	s := strings.Map(func(r rune) rune { return rune(base62[strings.IndexRune(bigs, r)]) }, n.Text(62))
	return strings.Repeat("0", width-len(s)) + s
}

const goldenBody = len(golden) - 6

// refused are texts that are no keys, those with a right checksum included.
func refused() map[string]string {
	body, prefixed := golden[:goldenBody], golden[3:goldenBody]
	past64 := new(big.Int).Lsh(big.NewInt(1), 64)
	texts := map[string]string{
		"nothing":              "",
		"prefix alone":         "ak_",
		"newline after":        golden + "\n",
		"return after":         golden + "\r",
		"space after":          golden + " ",
		"NUL after":            golden + "\x00",
		"space before":         " " + golden,
		"newline before":       "\n" + golden,
		"BOM before":           "\ufeff" + golden,
		"digit after":          golden + "0",
		"digit before":         "0" + golden,
		"twice":                golden + golden,
		"quoted":               `"` + golden + `"`,
		"as a header":          "Bearer " + golden,
		"upper case":           strings.ToUpper(golden),
		"lower case":           strings.ToLower(golden),
		"escaped":              strings.Replace(golden, "_", "%5F", 1),
		"Cyrillic a":           strings.Replace(golden, "a", "\u0430", 1),
		"fullwidth k":          strings.Replace(golden, "k", "\uff4b", 1),
		"Kelvin sign":          strings.Replace(golden, "K", "\u212a", 1),
		"Arabic zero":          strings.Replace(golden, "0", "\u0660", 1),
		"fullwidth underscore": strings.Replace(golden, "_", "\uff3f", 1),
		"zero-width joiner":    golden[:20] + "\u200d" + golden[20:],
		"not UTF-8":            golden[:20] + "\xff" + golden[21:],
		"a million digits":     strings.Repeat("0", 1e6),
		"a million, completed": withChecksum("a_" + strings.Repeat("0", 1e6)),
		"the longest and one":  withChecksum("a_b_c_d_e_f_g_h_i_j_k_lmn_" + prefixed),
		"the shortest less":    withChecksum("_" + prefixed),
		"id":                   "ak_" + goldenID,
		"checksum + 2^32":      body + spell(new(big.Int).Add(big.NewInt(1<<32), big.NewInt(int64(crc32.ChecksumIEEE([]byte(body))))), 6),
		"checksum of zeros":    body + "000000",
		"another checksum":     body + withChecksum("ak_")[3:],
	}
	// What follows has a checksum that is right, as anybody can compute it.
	for _, prefix := range invalidPrefixes {
		texts["the prefix "+prefix] = withChecksum(prefix + "_" + prefixed)
	}
	for _, separator := range []string{"-", ".", "0", "a", " ", "\x00", "/"} {
		texts["separated by "+separator] = withChecksum("ak" + separator + prefixed)
	}
	for word := 3; word < goldenBody; word += 11 {
		for what, n := range map[string]*big.Int{"2^64": past64, "2^64+1": new(big.Int).Add(past64, big.NewInt(1))} {
			texts[fmt.Sprintf("%s at %d", what, word)] = withChecksum(body[:word] + spell(n, 11) + body[word+11:])
		}
		texts[fmt.Sprintf("zzzzzzzzzzz at %d", word)] = withChecksum(body[:word] + "zzzzzzzzzzz" + body[word+11:])
	}
	for at := 3; at < goldenBody; at++ {
		for _, c := range []string{"-", "_", "+", "/", "=", " ", "\n", "\x00", "\x80", "\xff", "@", "[", "`", "{", ":"} {
			texts[fmt.Sprintf("%q at %d", c, at)] = withChecksum(body[:at] + c + body[at+1:])
		}
	}
	return texts
}

func wantRefused(t *testing.T, what, text string) {
	t.Helper()
	if id, err := apikey.KeyID(text); err != apikey.ErrMalformed || id != "" {
		t.Errorf("%s: KeyID = %q, %v; want ErrMalformed", what, id, err)
	}
	if _, ok := apikey.ParseText(text); ok {
		t.Errorf("%s: it is read", what)
	}
}

func TestRefusedTexts(t *testing.T) {
	t.Parallel()
	for what, text := range refused() {
		wantRefused(t, what, text)
	}
	if !errors.Is(apikey.ErrMalformed, apikey.ErrRejected) {
		t.Error("ErrMalformed is no rejection")
	}
}

// The greatest word is one less than the least that is refused.
func TestID7_GreatestWords(t *testing.T) {
	t.Parallel()
	most := spell(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(1)), 11)
	text := withChecksum("ak_" + strings.Repeat(most, 6))
	token, ok := apikey.ParseText(text)
	if !ok || token.Tag != 1<<64-1 || token.Secret[0] != 255 || token.Text() != text {
		t.Errorf("%s: %+v, %v", text, token, ok)
	}
}

// A character that is no digit must not stand for a value that happens to fit.
func TestChecksumDigits(t *testing.T) {
	t.Parallel()
	token := goldenToken()
	const noDigit = 0xff // the value of what is no digit
	for i := range 1000 {
		token.Tag = uint64(i)
		body := token.Text()[:goldenBody]
		sum := int64(crc32.ChecksumIEEE([]byte(body)))
		for place, least := 0, int64(1); place < 6; place, least = place+1, least*62 {
			if rest := sum - noDigit*least; rest >= 0 && rest/least%62 == 0 && rest < 916132832*62 {
				digits := spell(big.NewInt(rest), 6)
				wantRefused(t, fmt.Sprintf("%q for a digit", digits), body+digits[:5-place]+"!"+digits[6-place:])
			}
		}
	}
}

// The checksum finds every change of one character, every swap of two neighbours, and what
// is cut off or added: whoever mistypes a key is told so, and nobody guesses from a slip.
func TestChangedTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{golden, withChecksum("a_b_c_d_e_f_g_h_i_j_k_lm" + golden[2:goldenBody])} {
		if _, ok := apikey.ParseText(text); !ok {
			t.Fatalf("%s is not read", text)
		}
		for i := range len(text) {
			for c := range 256 {
				if c := byte(c); c != text[i] {
					wantRefused(t, fmt.Sprintf("%q at %d", c, i), text[:i]+string([]byte{c})+text[i+1:])
				}
			}
			wantRefused(t, fmt.Sprintf("the first %d", i), text[:i])
			if i > 0 {
				wantRefused(t, fmt.Sprintf("all but the first %d", i), text[i:])
				if text[i] != text[i-1] {
					wantRefused(t, fmt.Sprintf("swapped at %d", i), text[:i-1]+text[i:i+1]+text[i-1:i]+text[i+1:])
				}
			}
			wantRefused(t, fmt.Sprintf("without the one at %d", i), text[:i]+text[i+1:])
		}
		for c := range 256 {
			for i := range len(text) + 1 {
				wantRefused(t, fmt.Sprintf("with %q at %d", byte(c), i), text[:i]+string([]byte{byte(c)})+text[i:])
			}
		}
	}
}

var invalidPrefixes = []string{
	"A", "Ak", "aK", "1", "1ak", "_", "_ak", "ak_", "ak__b", "__", "a-b", "a.b", "a b", "a\n", "a\x00", "\xff", "\u00e9", "\u0430k",
	"a/b", "ak:", "abcdefghijklmnopqrstuvwxy", "a_0123456789_0123456789_0",
}

// The prefix is an option: the same rule as in a text.
func TestID5_PrefixOption(t *testing.T) {
	t.Parallel()
	for _, prefix := range prefixes {
		issuer, err := apikey.NewIssuer(memstore.New(), &apikey.IssuerOptions{Prefix: prefix})
		if err != nil || issuer == nil {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	for _, prefix := range invalidPrefixes {
		_, err := apikey.NewIssuer(memstore.New(), &apikey.IssuerOptions{Prefix: prefix})
		wantInvalid(t, fmt.Sprintf("%q", prefix), err, "Prefix")
	}
}
