package peers

import (
	"crypto/ed25519"
	"crypto/rand"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
)

// hs256 is a token that is good for as long as it says: nobody can revoke it.
type hs256 struct {
	key    []byte
	parser *jwt.Parser
}

func newHS256() (Peer, error) {
	key := make([]byte, 32)
	rand.Read(key)
	return &hs256{key, jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())}, nil
}

func (h *hs256) Issue(_, owner string, expires time.Time) (string, error) {
	claims := jwt.RegisteredClaims{Subject: owner, ExpiresAt: jwt.NewNumericDate(expires)}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(h.key)
}

func (h *hs256) Verify(presented string) (string, error) {
	var claims jwt.RegisteredClaims
	if _, err := h.parser.ParseWithClaims(presented, &claims, func(*jwt.Token) (any, error) { return h.key, nil }); err != nil {
		return "", err
	}
	return claims.Subject, nil
}

// edDSA is a token that whoever has the public key can check, and nobody can revoke.
type edDSA struct {
	public     ed25519.PublicKey
	signer     jose.Signer
	algorithms []jose.SignatureAlgorithm
}

func newEdDSA() (Peer, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, nil)
	if err != nil {
		return nil, err
	}
	return &edDSA{public, signer, []jose.SignatureAlgorithm{jose.EdDSA}}, nil
}

func (e *edDSA) Issue(_, owner string, expires time.Time) (string, error) {
	return josejwt.Signed(e.signer).Claims(josejwt.Claims{Subject: owner, Expiry: josejwt.NewNumericDate(expires)}).Serialize()
}

func (e *edDSA) Verify(presented string) (string, error) {
	token, err := josejwt.ParseSigned(presented, e.algorithms)
	if err != nil {
		return "", err
	}
	var claims josejwt.Claims
	if err := token.Claims(e.public, &claims); err != nil {
		return "", err
	}
	if claims.Expiry == nil || !time.Now().Before(claims.Expiry.Time()) { // Validate allows the whole second
		return "", errExpired
	}
	return claims.Subject, nil
}
