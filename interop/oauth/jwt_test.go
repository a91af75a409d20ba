package oauth_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// strict are the options that somebody sets who reads the manual.
func strict(s *service, audience string, more ...jwt.ParserOption) *jwt.Parser {
	return jwt.NewParser(append([]jwt.ParserOption{
		jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(s.metadata.Issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(),
	}, more...)...)
}

// keys are those that are published.
func keys(t *testing.T, s *service) jwt.Keyfunc {
	t.Helper()
	k, err := keyfunc.NewDefaultCtx(t.Context(), []string{s.metadata.JWKS})
	if err != nil {
		t.Fatal(err)
	}
	return k.Keyfunc
}

// verifyJWT: golang-jwt takes a token with the keys that keyfunc has fetched, and no other.
func verifyJWT(t *testing.T, s *service) {
	k, published := s.create(t, "golang-jwt"), keys(t, s)
	token := s.token(t, k, api)
	var claims struct {
		jwt.RegisteredClaims
		ClientID string `json:"client_id"`
		Scope    string `json:"scope"`
	}
	parsed, err := strict(s, api).ParseWithClaims(token, &claims, published)
	if err != nil || !parsed.Valid {
		t.Fatal(err)
	}
	if claims.Subject != user || claims.ClientID != k.ID || claims.Scope != "read write" || claims.ExpiresAt.Sub(claims.IssuedAt.Time) != 5*time.Minute {
		t.Errorf("%+v", claims)
	}
	later := jwt.WithTimeFunc(func() time.Time { return time.Now().Add(5 * time.Minute) })
	earlier := jwt.WithTimeFunc(func() time.Time { return time.Now().Add(-time.Minute) })
	changed := tampered(t, token)
	for _, c := range []struct {
		name   string
		parser *jwt.Parser
		token  string
		want   error
	}{
		{"for somebody else", strict(s, api), s.token(t, k, other), jwt.ErrTokenInvalidAudience},
		{"by somebody else", strict(&service{metadata: metadata{Issuer: "https://auth.example.com"}}, api), token, jwt.ErrTokenInvalidIssuer},
		{"expired", strict(s, api, later), token, jwt.ErrTokenExpired},
		{"not yet issued", strict(s, api, earlier), token, jwt.ErrTokenUsedBeforeIssued},
		{"changed claims", strict(s, api), changed["claims"], jwt.ErrTokenSignatureInvalid},
		{"changed signature", strict(s, api), changed["signature"], jwt.ErrTokenSignatureInvalid},
		{"no algorithm", strict(s, api), changed["algorithm"], jwt.ErrTokenSignatureInvalid},
		{"no signature", strict(s, api), changed["unsigned"], jwt.ErrTokenSignatureInvalid},
		{"another algorithm", jwt.NewParser(jwt.WithValidMethods([]string{"ES256"})), token, jwt.ErrTokenSignatureInvalid},
	} {
		if _, err := c.parser.Parse(c.token, published); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// claims: the names and the types are those of RFC 9068, section 2, and there are no others but ours and the key's own.
func claims(t *testing.T, s *service) {
	k := s.create(t, "claims")
	parsed, err := strict(s, api).Parse(s.token(t, k, api), keys(t, s))
	if err != nil {
		t.Fatal(err)
	}
	wantTypes(t, parsed.Header, map[string]string{"alg": "string", "kid": "string", "typ": "string"})
	if parsed.Header["typ"] != "at+jwt" || parsed.Header["alg"] != "EdDSA" {
		t.Errorf("the header is %v", parsed.Header)
	}
	got := parsed.Claims.(jwt.MapClaims)
	wantTypes(t, got, map[string]string{
		"iss": "string", "exp": "float64", "aud": "string", "sub": "string", "client_id": "string", "iat": "float64", "jti": "string", // 2.2
		"scope":      "string",                          // 2.2.3
		"key_number": "float64", "key_epoch": "float64", // ours
		"plan": "string", // the key's
	})
	for name, want := range map[string]any{
		"iss": s.metadata.Issuer, "aud": api, "sub": user, "client_id": k.ID, "scope": "read write", "plan": "pro", "key_number": 1.0, "key_epoch": 0.0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	again, err := strict(s, api).Parse(s.token(t, k, api), keys(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if again.Claims.(jwt.MapClaims)["jti"] == got["jti"] || got["jti"] == "" {
		t.Errorf("the jti %v twice", got["jti"])
	}
}

// wantTypes compares the names of an object, and the types that encoding/json makes of its values.
func wantTypes(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	types := map[string]string{}
	for name, value := range got {
		types[name] = fmt.Sprintf("%T", value)
	}
	if !maps.Equal(types, want) {
		t.Errorf("%v, want %v", types, want)
	}
}
