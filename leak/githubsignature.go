package leak

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
)

const (
	gitHubKidHeader       = "Github-Public-Key-Identifier"
	gitHubSignatureHeader = "Github-Public-Key-Signature"

	maxGitHubKid       = 128 // bytes; they have 64
	maxGitHubSignature = 96  // digits in base64: the DER of two numbers of 33 bytes has 72 bytes
)

// gitHubSignature reads the headers. Each has to be there once: of two, whoever stands in front may have looked at the
// other.
func gitHubSignature(h http.Header) (kid string, signature []byte, ok bool) {
	kids, signatures := h.Values(gitHubKidHeader), h.Values(gitHubSignatureHeader)
	if len(kids) != 1 || len(signatures) != 1 || !validGitHubKid(kids[0]) || len(signatures[0]) > maxGitHubSignature {
		return "", nil, false
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(signatures[0])
	return kids[0], signature, err == nil && len(signature) > 0
}

func validGitHubKid(kid string) bool { return len(kid) > 0 && len(kid) <= maxGitHubKid }

// gitHubSigned checks a signature in DER over the body as it came: another spelling of the same JSON is not what was
// signed.
//
// From one signature (r, s) anybody can make another, (r, n-s). That gains nothing, since no signature is remembered or
// compared: what it signs stays the same, and a call may come again anyway.
func gitHubSigned(key *ecdsa.PublicKey, body, signature []byte) bool {
	sum := sha256.Sum256(body)
	return ecdsa.VerifyASN1(key, sum[:], signature)
}

// parseGitHubKey reads one public key of P-256, and nothing beside it.
func parseGitHubKey(text string) (*ecdsa.PublicKey, bool) {
	text = strings.TrimSpace(text)
	block, rest := pem.Decode([]byte(text)) // which skips what stands in front, broken blocks too
	if block == nil || block.Type != "PUBLIC KEY" || strings.LastIndex(text, "-----BEGIN PUBLIC KEY-----") != 0 || len(block.Headers) > 0 || len(rest) > 0 {
		return nil, false
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes) // which checks that the point is on the curve
	if err != nil {
		return nil, false
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	return key, ok && key.Curve == elliptic.P256()
}
