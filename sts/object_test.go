package sts_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

func TestParseObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: "", ` { } `: "", `{"a":1}`: "a=1", `{"a":1,"b":{"c":[2,"x"]}}`: `a=1 b={"c":[2,"x"]}`, `{"b":1,"a":2}`: "b=1 a=2", "\t{\"a\"\n:\r 1.0e2 }\n": "a=1.0e2",
		`{"":0}`: "=0", `{"a":null}`: "a=null", `{"é":1,"e":2}`: "é=1 e=2", `{"\u0061":1}`: "a=1", `{"n":12345678901234567890123}`: "n=12345678901234567890123",
		`{"\ud83d\ude00":1}`: "😀=1", `{"a":"\ud800"}`: `a="\ud800"`, "{\"\ufffd\":1}": "\ufffd=1", `{"a":{"b":1,"b":2}}`: `a={"b":1,"b":2}`, // inside, names are nobody's here
	} {
		names, values, ok := sts.ParseObject([]byte(text))
		var all []string
		for i := range names {
			all = append(all, names[i]+"="+values[i])
		}
		if got := strings.Join(all, " "); !ok || got != want {
			t.Errorf("%s: %q, %v; want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", " ", "null", "[]", `[{}]`, `"a"`, "1", "true", "{", "}", `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{,"a":1}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{a:1}`, `{'a':1}`, `{1:1}`, `{"a":01}`, `{"a":+1}`, `{"a":.5}`, `{"a":NaN}`,
		`{}{}`, `{}x`, `{} null`, `{}]`, `{}}`, `{},`, `{"a":1}{"a":1}`, `{"a":1}//`, `/**/{}`, "\ufeff{}", "{}\x00", "\x00{}",
		`{"a":1,"a":1}`, `{"a":1,"A":1}`, `{"a":1,"\u0041":1}`, `{"k":1,"K":1}`, `{"s":1,"ſ":1}`, `{"sub":1,"ſub":1}`, `{"a":1,"b":2,"a":3}`, `{"é":1,"É":1}`,
		"{\"a\":\"\xff\"}", "{\"\xff\":1}", "{\"a\":\"\xed\xa0\x80\"}", "{\"\\ud800\":1}", "{\"\\udc00x\":1}", "{\"a\n\":1}", "{\"a\":\"\n\"}", `{"a":"\x41"}`, `{"a":"\u12"}`,
		strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	} {
		if names, _, ok := sts.ParseObject([]byte(text)); ok {
			t.Errorf("%.60q: taken, with %q", text, names)
		}
	}
}

// Whoever likes can have the header of a token parsed, or of what is served as a list: names are compared with each other
// up to a bound.
func TestParseObjectOfManyMembers(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]bool{99: true, 100: true, 101: false, 1_000_000: false} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%x":%d`, i, i)
		}
		names, _, ok := sts.ParseObject([]byte("{" + b.String()[1:] + "}"))
		if ok != want || ok && len(names) != n {
			t.Errorf("%d members: %v, %d", n, ok, len(names))
		}
	}
}

func TestObjectMembers(t *testing.T) {
	t.Parallel()
	const none = "none"
	for value, want := range map[string][2]string{ // text, number up to 1000
		`"x"`: {"x", none}, `""`: {"", none}, `"\u0078"`: {"x", none}, `"7"`: {"7", none},
		"0": {none, "0"}, "7": {none, "7"}, "1000": {none, "1000"}, "1001": {none, none}, "-1": {none, none}, "-0": {none, none}, "1.0": {none, none}, "1e2": {none, none},
		"99999999999999999": {none, none}, "9223372036854775808": {none, none}, "18446744073709551617": {none, none}, "1000000000000000000000000000001": {none, none},
		"null": {none, none}, "true": {none, none}, "[]": {none, none}, "{}": {none, none}, `["x"]`: {none, none},
	} {
		text, isText, number, isNumber := sts.ObjectMember([]byte(`{"b":1,"a": `+value+` ,"c":"c"}`), "a", 1000)
		got := [2]string{none, none}
		if isText {
			got[0] = text
		}
		if isNumber {
			got[1] = fmt.Sprint(number)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	for _, name := range []string{"A", "b ", "", "c"} { // which is compared exactly, whatever has says
		if _, is, _, isNumber := sts.ObjectMember([]byte(`{"a":"x","b":1}`), name, math.MaxInt64); is || isNumber {
			t.Errorf("%q was found", name)
		}
	}
	if n, ok := func() (int64, bool) {
		_, _, n, ok := sts.ObjectMember([]byte(`{"a":9999999999999999}`), "a", math.MaxInt64)
		return n, ok
	}(); n != 9999999999999999 || !ok {
		t.Error("the greatest that is read:", n, ok)
	}
}

// Readers that take the first, the last, or another case would each see another token.
func TestD8DuplicateMembers(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		header, claims := s.header(), s.claims()
		put := func(object, member string) string { return object[:len(object)-1] + "," + member + "}" }
		for what, h := range map[string]string{
			"alg": `"alg":"none"`, "the same alg": `"alg":` + quote(string(s.alg())), "Alg": `"Alg":"none"`, "ALG": `"ALG":"HS256"`, "alg in escapes": `"\u0061lg":"none"`, "kid": `"kid":"x"`,
			"the same kid": `"kid":` + quote(s.kid), "KID": `"KID":"x"`, "Kelvin's kid": `"\u212aid":"x"`, "typ": `"typ":"JWT"`, "TYP": `"TYP":"at+jwt"`, "x twice": `"x":1,"x":1`, "x and X": `"x":1,"X":1`,
		} {
			s.refused(t, what+" in the header", s.token(t, put(header, h), claims), apikey.ErrUnknown)
			s.refused(t, what+" in front", s.token(t, "{"+h+","+header[1:], claims), apikey.ErrUnknown)
		}
		for what, c := range map[string]string{
			"sub": `"sub":"user_2"`, "Sub": `"Sub":"user_2"`, "a long s": `"ſub":"user_2"`, "scope": `"scope":"admin"`, "SCOPE": `"SCOPE":"admin"`, "client_id": `"Client_Id":"x"`, "key_epoch": `"KEY_EPOCH":9`,
			"Kelvin's key_epoch": `"\u212aey_epoch":9`, "x twice": `"x":1,"x":2`, "x and X": `"x":1,"X":2`,
		} {
			s.refused(t, what+" in the payload", s.token(t, header, put(claims, c)), apikey.ErrUnknown)
			s.refused(t, what+" in front", s.token(t, header, "{"+c+","+claims[1:]), apikey.ErrUnknown)
		}
		for what, payload := range map[string]string{
			"empty": " ", "null": "null", "an array": "[" + claims + "]", "a string": quote(claims), "two": claims + claims, "more behind": claims + "x", "a NUL behind": claims + "\x00", "cut off": claims[:len(claims)-1],
			"a byte order mark": "\ufeff" + claims, "no Unicode": put(claims, "\"x\":\"\xff\""), "UTF-16": strings.Join(strings.Split(claims, ""), "\x00"), "half a surrogate": put(claims, `"\ud800":1`), "no JSON": "jti",
		} {
			s.refused(t, "payload: "+what, s.token(t, header, payload), apikey.ErrUnknown)
			if what != "no Unicode" && what != "half a surrogate" {
				s.refused(t, "header: "+what, s.token(t, strings.ReplaceAll(payload, claims, header), claims), apikey.ErrUnknown)
			}
		}
		s.accepted(t, "control: other members", s.token(t, put(header, `"x":1,"y":{"x":1}`), put(claims, `"x":1,"y":{"x":1}`)))
	})
}

// The compact serialization alone, of one signature.
func TestD8Serializations(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		p := strings.Split(s.forge(t), ".")
		flat := fmt.Sprintf(`"protected":%q,"signature":%q`, p[0], p[2])
		for what, text := range map[string]string{
			"flattened": fmt.Sprintf(`{"payload":%q,%s}`, p[1], flat), "general": fmt.Sprintf(`{"payload":%q,"signatures":[{%s}]}`, p[1], flat),
			"several signatures": fmt.Sprintf(`{"payload":%q,"signatures":[{%s},{%s}]}`, p[1], flat, flat), "an array": "[" + quote(strings.Join(p, ".")) + "]", "a string": quote(strings.Join(p, ".")),
		} {
			s.refused(t, what, text, apikey.ErrMalformed)
		}
		s.refused(t, "a nested token", s.token(t, s.header("cty", `"JWT"`), s.forge(t)), apikey.ErrUnknown)
	})
}

// What must be understood is not, whatever it is (RFC 7515, section 4.1.11). b64 would have the payload taken as it is (RFC 7797).
func TestD8Crit(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, crit := range []string{`["exp"]`, `["b64"]`, `["http://example.com/UNDEFINED"]`, `[]`, `null`, `"exp"`, `{}`, `["alg"]`, `false`} {
			s.refused(t, "crit "+crit, s.token(t, s.header("crit", crit, "exp", "1"), s.claims()), apikey.ErrUnknown)
			s.refused(t, "CRIT "+crit, s.token(t, s.header("CRIT", crit), s.claims()), apikey.ErrUnknown)
		}
		s.accepted(t, "control: exp in the header", s.token(t, s.header("exp", "1"), s.claims()))
		s.refused(t, "b64 true", s.token(t, s.header("b64", "true"), s.claims()), apikey.ErrUnknown)
		s.refused(t, "b64 false, and signed as if it were not there", s.token(t, s.header("b64", "false"), s.claims()), apikey.ErrUnknown)
		s.refused(t, "b64 false, said to be critical", s.token(t, s.header("crit", `["b64"]`, "b64", "false"), s.claims()), apikey.ErrUnknown)
		// Signed over the payload as it is: with and without saying so.
		for what, header := range map[string]string{"critical": s.header("crit", `["b64"]`, "b64", "false"), "not critical": s.header("b64", "false")} {
			signed := b64(header) + "." + s.claims()
			s.refused(t, "b64 false, the payload as it is, "+what, signed+"."+s.signature(t, signed), apikey.ErrMalformed)
			s.refused(t, "b64 false, the payload encoded, "+what, b64(header)+"."+b64(s.claims())+"."+s.signature(t, signed), apikey.ErrUnknown)
		}
	})
}

// One spelling of each part: what is decoded leniently elsewhere is not the same token here.
func TestD8Encodings(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		header, payload := s.header(), s.claims()
		for len(header)%3 == 0 { // so that the last character has bits to spare
			header = " " + header
		}
		for len(payload)%3 == 0 {
			payload += " "
		}
		good := s.token(t, header, payload)
		s.accepted(t, "control: white space in JSON", good)
		parts := strings.Split(good, ".")
		for i := range parts {
			respelt := func(what, part string) {
				t.Helper()
				all := slices.Clone(parts)
				all[i] = part
				s.refused(t, fmt.Sprintf("part %d, %s", i+1, what), strings.Join(all, "."), apikey.ErrMalformed)
			}
			part := parts[i]
			last := strings.IndexByte(alphabet, part[len(part)-1])
			spare := 1 << 4
			if len(part)%4 == 3 {
				spare = 1 << 2
			}
			for bits := 1; bits < spare; bits++ {
				respelt("other trailing bits", part[:len(part)-1]+alphabet[last|bits:][:1])
			}
			respelt("padded", part+strings.Repeat("=", 4-len(part)%4))
			for _, white := range []string{" ", "\n", "\r\n", "\t", "\x00", "\v", "\u00a0", "\u200b", "\ufeff", "%20", "+", "/", "~", "=", "é", "\xff"} {
				respelt(fmt.Sprintf("%q in the middle", white), part[:5]+white+part[5:])
				respelt(fmt.Sprintf("%q at the end", white), part+white)
				respelt(fmt.Sprintf("%q in front", white), white+part)
			}
			if len(part)%4 == 2 || len(part)%4 == 3 { // one that no bytes have
				respelt("a length of no bytes", part[:len(part)/4*4+1])
			}
		}
		// Of a token with both characters that are others in the standard alphabet.
		for n := range 1000 {
			token := s.forge(t, "jti", quote(fmt.Sprint(n)))
			if sig := token[strings.LastIndex(token, "."):]; strings.Contains(sig, "-") && strings.Contains(sig, "_") {
				s.refused(t, "the standard alphabet", strings.NewReplacer("-", "+", "_", "/").Replace(token), apikey.ErrMalformed)
				return
			}
		}
		t.Error("no signature had both")
	})
}
