package sts

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // of kids
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// signingKey signs from an instant on, until the next one does. It prints no private part: that is
// behind interfaces that package fmt is never handed.
type signingKey struct {
	kid    string
	from   time.Time // whole milliseconds
	sealed []byte    // the private part, as it is stored
	public jose.JSONWebKey
	token  jose.Signer
	list   jose.Signer
}

// sealLabel separates the private parts from whatever else a keyring seals.
const sealLabel = "sts/signing-key"

// newSigningKey makes a key and seals it.
func (k *signingKeys) newSigningKey(from time.Time) (*signingKey, error) {
	var secret []byte
	switch k.algorithm {
	case EdDSA:
		secret = make([]byte, ed25519.SeedSize)
		rand.Read(secret)
	case ES256:
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err == nil {
			secret, err = private.Bytes()
		}
		if err != nil {
			return nil, err
		}
	}
	key, err := k.signingKey(secret, from)
	if err != nil {
		return nil, err
	}
	key.sealed = k.keyring.Seal(sealLabel, secret, k.associated(key.kid, from))
	return key, nil
}

var errSigningKey = errors.New("a stored signing key is not what its description says")

// openSigningKey makes a key of what is stored. The public part is not stored: whoever can write the store and
// has no keyring can't have a key of their own published.
func (k *signingKeys) openSigningKey(kid string, from time.Time, sealed []byte) (*signingKey, error) {
	secret, err := k.keyring.Open(sealLabel, sealed, k.associated(kid, from))
	if err != nil {
		return nil, err
	}
	key, err := k.signingKey(secret, from)
	if err != nil {
		return nil, err
	}
	key.sealed = sealed
	return key, nil
}

// signingKey makes a key of its private part. Its kid is the thumbprint of the public one (RFC 7638).
func (k *signingKeys) signingKey(secret []byte, from time.Time) (*signingKey, error) {
	var private crypto.Signer
	switch k.algorithm {
	case EdDSA:
		if len(secret) != ed25519.SeedSize {
			return nil, errSigningKey
		}
		private = ed25519.NewKeyFromSeed(secret)
	case ES256:
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret)
		if err != nil {
			return nil, errSigningKey
		}
		private = key
	}
	key := &signingKey{from: from, public: jose.JSONWebKey{Key: private.Public(), Algorithm: string(k.algorithm), Use: "sig"}}
	thumbprint, err := key.public.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	key.kid = base64.RawURLEncoding.EncodeToString(thumbprint)
	key.public.KeyID = key.kid
	signer := func(typ string) (jose.Signer, error) {
		return jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.algorithm), Key: jose.JSONWebKey{Key: private, KeyID: key.kid}},
			new(jose.SignerOptions).WithType(jose.ContentType(typ)))
	}
	if key.token, err = signer(tokenType); err != nil {
		return nil, err
	}
	key.list, err = signer(revocationsType)
	return key, err
}

// associated is what is said of a sealed key outside of the seal, so that none of it can be changed, and no
// key can be given to another issuer: each part with its length before it.
func (k *signingKeys) associated(kid string, from time.Time) []byte {
	var ad []byte
	for _, part := range []string{k.issuer, string(k.algorithm), kid} {
		ad = binary.BigEndian.AppendUint32(ad, uint32(len(part)))
		ad = append(ad, part...)
	}
	return binary.BigEndian.AppendUint64(ad, uint64(from.UnixMilli()))
}

// sign returns a compact JWS.
func sign(signer jose.Signer, payload []byte) (string, error) {
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}
