package sts_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-d3a9fb6b/apikey"
	"github.com/seed-d3a9fb6b/apikey/sts"
)

// CVE-2020-26160, CVE-2022-29165: aud not looked at, or not in its other form.
func TestD4Audience(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		ours, another := quote(audience), `"https://another.example.com"`
		for _, aud := range []string{ours, "[" + ours + "]", "[" + ours + "," + another + "]", "[" + another + ", " + ours + "]", "[" + ours + "," + ours + "]"} {
			s.accepted(t, "aud "+aud, s.forge(t, "aud", aud))
		}
		for _, aud := range []string{
			"", "null", `""`, "[]", `[""]`, "[null]", "{}", "0", "true", another, "[" + another + "]", "[[" + ours + "]]", `{"aud":` + ours + `}`, "[" + ours + ",null]", "[" + ours + ",7]", "[7," + ours + "]",
			"[{}," + ours + "]", "[" + ours + ",[" + ours + "]]",
			quote(audience + "/"), quote(audience + "x"), quote(audience[:len(audience)-1]), quote(audience[1:]), quote(" " + audience), quote(audience + " "), quote("x" + audience),
			quote(strings.ToUpper(audience)), quote("HTTPS" + audience[5:]), quote(audience + "\x00"), quote(audience + " " + audience), quote(audience + "," + audience), `"https://*.example.com"`, `"*"`,
			quote(audience + "?x"), quote(audience + "#x"), quote("http" + audience[5:]), quote(audience + ":443"), quote(audience + "."),
		} {
			s.refused(t, "aud "+aud, s.forge(t, "aud", aud), apikey.ErrUnknown)
		}
		s.refused(t, "AUD in its place", s.forge(t, "aud", "", "AUD", ours), apikey.ErrUnknown)
		// Another audience of the same service: good there, and not here.
		there := s.exchange(t, s.text, sts.ExchangeParams{Audience: issuer})
		for _, d := range s.doors() {
			refusedBy(t, "for another audience of the service, "+d.name, d.Verifier, there, apikey.ErrUnknown)
		}
		v, err := s.service.Verifier(issuer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), there); err != nil {
			t.Error("control: there:", err)
		}
		refusedBy(t, "ours, there", v, s.forge(t), apikey.ErrUnknown)
		refusedBy(t, "ours as an array, there", v, s.forge(t, "aud", "["+ours+"]"), apikey.ErrUnknown)
	})
}

// CVE-2024-51744: that a token is expired is said of ours alone.
func TestD5ABadSignatureWins(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		past := time.Now().Unix() - 100
		claims := s.claims("iat", fmt.Sprint(past-60), "exp", fmt.Sprint(past))
		expired := s.token(t, s.header(), claims)
		s.refused(t, "control: expired", expired, apikey.ErrExpired)
		other := "A"
		if strings.HasSuffix(expired[:len(expired)-1], other) {
			other = "B"
		}
		s.refused(t, "expired, another character in its signature", expired[:len(expired)-2]+other+expired[len(expired)-1:], apikey.ErrUnknown)
		foe := stranger(t, s.alg(), s.kid)
		s.refused(t, "expired, signed by a stranger", foe.token(t, foe.header(), claims), apikey.ErrUnknown)
		s.refused(t, "expired, kid unknown", s.token(t, s.header("kid", `"x"`), claims), apikey.ErrUnknown)
		s.refused(t, "expired, another type", s.token(t, s.header("typ", `"JWT"`), claims), apikey.ErrUnknown)
		for name, value := range map[string]string{"aud": `"https://another.example.com"`, "iss": `"https://other.example.com"`, "client_id": `"ak_"`, "jti": "null"} {
			s.refused(t, "expired, another "+name, s.forge(t, "iat", fmt.Sprint(past-60), "exp", fmt.Sprint(past), name, value), apikey.ErrUnknown)
		}
		i := strings.LastIndex(expired, ".")
		s.refused(t, "expired, without a signature", expired[:i+1], apikey.ErrMalformed)
	})
}

// What go-jose lets pass as delivered: exp missing, null, or by another spelling.
func TestD1Expiry(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		now := time.Now().Unix()
		for _, exp := range []string{"", "null", `""`, quote(fmt.Sprint(now + 60)), fmt.Sprint(now+60) + ".0", fmt.Sprint(now+60) + ".5", fmt.Sprintf("%d.5e9", now), "1e12", "1E10", "-1", "-0", "0", "-" + fmt.Sprint(now+60),
			"9223372036854775807", "9223372036854775808", "18446744073709551616", "1099511627776", "1099511627777", "9999999999999999", "10000000000000000", strings.Repeat("9", 400), "1e999",
			"true", "[]", "{}", fmt.Sprintf("[%d]", now+60), "253402300800", fmt.Sprint(now + 901), fmt.Sprint((now + 60) * 1000)} {
			s.refused(t, "exp "+exp, s.forge(t, "iat", fmt.Sprint(now), "exp", exp), apikey.ErrUnknown)
		}
		good := fmt.Sprint(now + 60)
		for _, name := range []string{"EXP", "Exp", "eXp", "exp ", "\u0435xp"} {
			s.refused(t, name+" in its place", s.forge(t, "exp", "", name, good), apikey.ErrUnknown)
		}
		for _, name := range []string{"EXP", "Exp"} {
			s.refused(t, name+" beside it", s.forge(t, name, good), apikey.ErrUnknown)
			s.refused(t, name+" in front", s.token(t, s.header(), `{"`+name+`":`+good+","+s.claims()[1:]), apikey.ErrUnknown)
		}
		s.refused(t, "twice", s.token(t, s.header(), `{"exp":`+good+","+s.claims()[1:]), apikey.ErrUnknown)
		s.refused(t, "twice, once in escapes", s.token(t, s.header(), `{"\u0065xp":`+good+","+s.claims()[1:]), apikey.ErrUnknown)
		s.accepted(t, "control: once, in escapes", s.token(t, s.header(), `{"\u0065xp":`+good+","+s.claims("exp", "")[1:]))
		s.accepted(t, "control: at the most", s.forge(t, "iat", fmt.Sprint(now), "exp", fmt.Sprint(now+900)))
	})
}

// CVE-2026-54560: of what the profile asks for (RFC 9068, section 2.2) nothing may be missing, nor be something else.
func TestD9RequiredClaims(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, name := range []string{"iss", "sub", "aud", "client_id", "jti", "iat", "exp", "key_number", "key_epoch"} {
			for _, value := range []string{"", "null", `""`, "true", "{}", "[]", "-1", "1.5", `["x"]`, `[null]`} {
				s.refused(t, name+" "+value, s.forge(t, name, value), apikey.ErrUnknown)
			}
			value := payloadOf(t, s.forge(t))[name]
			s.refused(t, name+" in capitals", s.forge(t, name, "", strings.ToUpper(name), string(value)), apikey.ErrUnknown)
			s.refused(t, name+" also in capitals", s.forge(t, strings.ToUpper(name), string(value)), apikey.ErrUnknown)
			s.refused(t, name+" twice", s.token(t, s.header(), s.claims()[:len(s.claims())-1]+`,"`+name+`":`+string(value)+`}`), apikey.ErrUnknown)
		}
		for _, iat := range []string{"", "null", `"0"`, "0.0"} { // of which 0 must not be made, when tokens were good
			s.refused(t, "iat "+iat+", and exp in 1970", s.forge(t, "iat", iat, "exp", "600"), apikey.ErrUnknown)
		}
		s.refused(t, "control: 1970", s.forge(t, "iat", "0", "exp", "600"), apikey.ErrExpired)
		for _, name := range []string{"iss", "sub", "client_id", "jti", "scope"} {
			s.refused(t, name+" 7", s.forge(t, name, "7"), apikey.ErrUnknown)
		}
		for _, value := range []string{"null", "[]", `["read"]`, "{}", "true"} {
			s.refused(t, "scope "+value, s.forge(t, "scope", value), apikey.ErrUnknown)
		}
		s.accepted(t, "control: no scope", s.forge(t, "scope", ""))
		for _, number := range []string{"0", "00", "01", "65536", "65537", "1.0", "1e0", `"1"`, "4294967297", "99999999999999999999"} {
			s.refused(t, "key_number "+number, s.forge(t, "key_number", number), apikey.ErrUnknown)
		}
		for _, epoch := range []string{"4294967296", "18446744073709551616", "0.0", "0e0", `"0"`, "-0"} {
			s.refused(t, "key_epoch "+epoch, s.forge(t, "key_epoch", epoch), apikey.ErrUnknown)
		}
		s.accepted(t, "control: the greatest epoch", s.forge(t, "key_epoch", "4294967295"))
		s.accepted(t, "control: the greatest number", s.forge(t, "key_number", "65535"))
		id := s.key.ID()
		for _, bad := range []string{id[:len(id)-1], id + "0", strings.ToUpper(id), id[3:], "AK" + id[2:], " " + id, id + " ", id[:3] + "0" + id[3:], "ak_" + strings.Repeat("g", 32), s.text} {
			s.refused(t, "client_id "+bad, s.forge(t, "client_id", quote(bad)), apikey.ErrUnknown)
		}
	})
}

// A token of the service says of the key what it was made for, and what only a store knows stays unknown.
func TestVerifiedKey(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		key, text := s.Create(t, apikey.CreateParams{Subject: "org_7", Name: "n", Description: "d", Scopes: []string{"a", "b", "c"}, Claims: []byte(`{"plan":"pro","n":1.0e2}`)})
		token, err := s.service.Exchange(t.Context(), text, sts.ExchangeParams{Scopes: []string{"c", "a"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range s.doors() {
			got, err := d.Verify(t.Context(), token.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			ends, _ := got.ExpiresAt()
			if got.ID() != key.ID() || got.Subject() != "org_7" || fmt.Sprint(got.Scopes()) != "[c a]" || got.HasScope("b") || got.Type() != "access_token" || got.Epoch() != 0 || got.Credentials()[0].Number != 1 ||
				string(got.Claims()) != `{"plan":"pro","n":1.0e2}` || got.Name() != "" || got.Description() != "" || !got.CreatedAt().Equal(token.IssuedAt) || !ends.Equal(token.ExpiresAt) || !got.Credentials()[0].NotAfter.Equal(token.ExpiresAt) {
				t.Errorf("%s: %+v, claims %s, %v to %v", d.name, got, got.Claims(), got.CreatedAt(), ends)
			}
			// I3: what was returned is nobody else's.
			got.Scopes()[0] = "x"
			got.Claims()[2] = 'x'
			if again, err := d.Verify(t.Context(), token.Reveal()); err != nil || !again.HasScope("c") || string(again.Claims()) != `{"plan":"pro","n":1.0e2}` || got.HasScope("x") {
				t.Errorf("%s: changed from outside: %v %s", d.name, again.Scopes(), again.Claims())
			}
		}
	})
}

// What is refused past its signature names the key, for logs; and in the service's own process a token dies with what it says.
func TestRefusalsNameTheKey(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		key, text := s.Create(t, apikey.CreateParams{Scopes: []string{"a", "b"}})
		named := func(what, token string, want error) {
			t.Helper()
			refusedBy(t, what, s.local, token, want)
			var rejected *apikey.RejectedError
			if _, err := s.local.Verify(t.Context(), token); !errors.As(err, &rejected) || rejected.KeyID != key.ID() {
				t.Errorf("%s: %v does not name the key", what, err)
			}
		}
		first := s.exchange(t, text, sts.ExchangeParams{Scopes: []string{"a"}})
		if _, err := s.Issuer.Update(t.Context(), key.ID(), apikey.UpdateParams{Scopes: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
		named("a scope was taken", first, apikey.ErrRevoked)
		second := s.exchange(t, text, sts.ExchangeParams{})
		if _, _, err := s.Issuer.Rotate(t.Context(), key.ID(), apikey.RotateParams{}); err != nil {
			t.Fatal(err)
		}
		named("rotated away", second, apikey.ErrUnknown)
		past := time.Now().Unix() - 100
		named("expired", s.forge(t, "client_id", quote(key.ID()), "iat", fmt.Sprint(past), "exp", fmt.Sprint(past+60)), apikey.ErrExpired)
		if _, err := s.Issuer.Revoke(t.Context(), key.ID(), apikey.RevokeParams{}); err != nil {
			t.Fatal(err)
		}
		named("revoked", second, apikey.ErrRevoked)
		if err := s.Issuer.Delete(t.Context(), key.ID()); err != nil {
			t.Fatal(err)
		}
		refusedBy(t, "deleted", s.local, second, apikey.ErrUnknown)
	})
}

// I9: expiry is at exp, without a leeway that was not asked for.
func TestTimes(t *testing.T) {
	t.Parallel()
	const s0 = time.Second
	for _, row := range []struct {
		what          string
		leeway        time.Duration
		iat, exp, nbf time.Duration // from now; nbf 0: none
		want          error         // here; and elsewhere unless leeway says another
		elsewhere     error
	}{
		{what: "a second is left", exp: s0},
		{what: "at exp", iat: -10 * s0, exp: 0, want: apikey.ErrExpired, elsewhere: apikey.ErrExpired},
		{what: "a second after exp", iat: -10 * s0, exp: -s0, want: apikey.ErrExpired, elsewhere: apikey.ErrExpired},
		{what: "at exp, elsewhere with a leeway", leeway: s0, iat: -10 * s0, exp: 0, want: apikey.ErrExpired},
		{what: "at the end of a leeway", leeway: s0, iat: -10 * s0, exp: -s0, want: apikey.ErrExpired, elsewhere: apikey.ErrExpired},
		{what: "iat now", iat: 0, exp: s0},
		{what: "iat in a second", iat: s0, exp: 60 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "iat in a second, elsewhere with a leeway", leeway: s0, iat: s0, exp: 60 * s0, want: apikey.ErrUnknown},
		{what: "iat past a leeway", leeway: s0, iat: 2 * s0, exp: 60 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "15 minutes", exp: 900 * s0},
		{what: "a second more", exp: 901 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "a second more, most of it gone", iat: -900 * s0, exp: s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "a leeway makes nothing longer", leeway: 60 * s0, exp: 901 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "exp is iat", iat: -s0, exp: -s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "exp is iat, now", leeway: 60 * s0, iat: 0, exp: 0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "exp before iat", iat: -s0, exp: -2 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "nbf in the past", exp: 60 * s0, nbf: -s0},
		{what: "nbf in a second", exp: 60 * s0, nbf: s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
		{what: "nbf in a second, elsewhere with a leeway", leeway: s0, exp: 60 * s0, nbf: s0, want: apikey.ErrUnknown},
		{what: "nbf past a leeway", leeway: s0, exp: 60 * s0, nbf: 2 * s0, want: apikey.ErrUnknown, elsewhere: apikey.ErrUnknown},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := bubbleScene(t, sts.ServiceOptions{}, row.leeway)
				now := time.Now().Unix()
				at := func(d time.Duration) string { return fmt.Sprint(now + int64(d/time.Second)) }
				changes := []string{"iat", at(row.iat), "exp", at(row.exp)}
				if row.nbf != 0 {
					changes = append(changes, "nbf", at(row.nbf))
				}
				token := s.forge(t, changes...)
				for i, want := range []error{row.want, row.elsewhere} {
					d := s.doors()[i]
					if want != nil {
						refusedBy(t, d.name, d.Verifier, token, want)
					} else if _, err := d.Verify(t.Context(), token); err != nil {
						t.Errorf("%s: %v", d.name, err)
					}
				}
			})
		})
	}
}

// A token lives up to the instant of its exp, wherever it is shown, and not a nanosecond longer.
func TestTokenEndsExactly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := bubbleScene(t, sts.ServiceOptions{}, 0)
		time.Sleep(300 * time.Millisecond)
		token, err := s.service.Exchange(t.Context(), s.text, sts.ExchangeParams{})
		if err != nil {
			t.Fatal(err)
		}
		if end := token.IssuedAt.Add(5 * time.Minute); !token.ExpiresAt.Equal(end) || token.IssuedAt.After(time.Now()) || time.Since(token.IssuedAt) >= time.Second {
			t.Errorf("%v to %v at %v", token.IssuedAt, token.ExpiresAt, time.Now())
		}
		time.Sleep(time.Until(token.ExpiresAt) - time.Second)
		s.accepted(t, "a second before", token.Reveal())
		time.Sleep(time.Second - time.Nanosecond)
		s.accepted(t, "a nanosecond before", token.Reveal())
		time.Sleep(time.Nanosecond)
		s.refused(t, "at its end", token.Reveal(), apikey.ErrExpired)
		time.Sleep(10 * time.Minute)
		s.refused(t, "10 minutes later", token.Reveal(), apikey.ErrExpired)
	})
}

func TestNotBefore(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, nbf := range []string{"null", `""`, quote(fmt.Sprint(time.Now().Unix() - 5)), "1.5", "-1", "true", "[]", "{}", "99999999999", strings.Repeat("9", 40)} {
			s.refused(t, "nbf "+nbf, s.forge(t, "nbf", nbf), apikey.ErrUnknown)
		}
		s.accepted(t, "control: 0", s.forge(t, "nbf", "0"))
		s.refused(t, "NBF beside nbf", s.forge(t, "nbf", "0", "NBF", "0"), apikey.ErrUnknown)
	})
}

// CVE-2026-41164, CVE-2026-9094: another kind of document, or another organization's, that is signed with a key that we know.
func TestD9TypeExactly(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		for _, typ := range []string{`"JWT"`, `"jwt"`, `"at+JWT"`, `"AT+JWT"`, `"at+jwt "`, `"application/at+jwt"`, `""`, "", "null", `["at+jwt"]`, `"keyrevocations+jwt"`, `"logout+jwt"`, `"dpop+jwt"`, `"at+jwt\u0000"`} {
			s.refused(t, "typ "+typ, s.token(t, s.header("typ", typ), s.claims()), apikey.ErrUnknown)
		}
		s.refused(t, "TYP", s.token(t, s.header("typ", "", "TYP", `"at+jwt"`), s.claims()), apikey.ErrUnknown)
		s.refused(t, "the type as cty", s.token(t, s.header("typ", "", "cty", `"at+jwt"`), s.claims()), apikey.ErrUnknown)
		list := s.get("/oauth/revocations").Body.String()
		if strings.Count(list, ".") != 2 {
			t.Fatalf("control: no list: %.40q", list)
		}
		s.refused(t, "the list of the dead", list, apikey.ErrUnknown)
		parts := strings.Split(s.token(t, s.header(), string(decodePart(t, list, 1))), ".")
		s.refused(t, "the list's claims in a token", strings.Join(parts, "."), apikey.ErrUnknown)
	})
}

// Served where the list of the dead is to be, a token is none; nor are the claims of a list in one.
func TestD9TokenAsList(t *testing.T) {
	t.Parallel()
	forAll(t, func(t *testing.T, s *scene) {
		list := decodePart(t, s.get("/oauth/revocations").Body.String(), 1)
		for what, body := range map[string]string{
			"a token": s.forge(t), "the claims of the list in a token": s.token(t, s.header(), string(list)), "claims of a token as a list": s.token(t, s.header("typ", `"keyrevocations+jwt"`), s.claims()),
			"control": s.token(t, s.header("typ", `"keyrevocations+jwt"`), string(list)),
		} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
			defer server.Close()
			urls := s.urls
			urls.RevocationsURL = server.URL
			_, err := newRemote(t, urls).Verify(t.Context(), s.forge(t))
			if what == "control" {
				if err != nil {
					t.Error("control:", err)
				}
			} else if !errors.Is(err, apikey.ErrUnavailable) || errors.Is(err, apikey.ErrRejected) {
				t.Errorf("%s: %v, want ErrUnavailable", what, err)
			}
		}
	})
}

func TestD9AnotherIssuer(t *testing.T) {
	t.Parallel()
	const other = "https://other.example.com"
	forAll(t, func(t *testing.T, s *scene) {
		second, err := sts.NewService(s.Store, s.Verifier, other, &sts.ServiceOptions{Algorithm: s.alg(), Keyring: keyring(t, 1), Audiences: []string{audience}})
		if err != nil {
			t.Fatal(err)
		}
		token, err := second.Exchange(t.Context(), s.text, sts.ExchangeParams{})
		if err != nil {
			t.Fatal(err)
		}
		v, err := second.Verifier("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Verify(t.Context(), token.Reveal()); err != nil {
			t.Error("control: the other's Verifier:", err)
		}
		s.refused(t, "of another issuer on the same store, for the same audience", token.Reveal(), apikey.ErrUnknown)
		refusedBy(t, "ours, at the other", v, s.forge(t), apikey.ErrUnknown)
		// Signed with our key, as one of a set that two share.
		for _, iss := range []string{quote(other), quote(issuer + "/"), quote(strings.ToUpper(issuer)), quote("https://auth.example.co"), quote(issuer + "m"), quote(" " + issuer), "[" + quote(issuer) + "]"} {
			s.refused(t, "iss "+iss, s.forge(t, "iss", iss), apikey.ErrUnknown)
		}
	})
}
